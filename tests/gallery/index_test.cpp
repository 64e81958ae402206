#include "gallery/index.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/sqlite.h"
#include "gallery/import.h"
#include "gallery/thumbnails.h"
#include "image/codec.h"
#include "image/jpeg.h"
#include "image/metadata.h"
#include "image/webp.h"

namespace invokeai::gallery {
namespace {

using Paths = std::vector<std::string>;

/// What draw() writes into a picture.
struct Made {
  std::string prompt = "a cat";
  std::uint32_t seed = 1;
  std::string sampler = "ddim";
  std::string model = "demo";
  int size = 64;
  bool grid = false;
};

class Index : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) / fmt::format("index_{}_{}", test->name(), ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(root());
    reopen();
  }
  void TearDown() override {
    gallery_.reset();
    fs::remove_all(folder_);
  }

  fs::path root() const { return folder_ / "out"; }

  void reopen() {
    gallery_.reset();
    auto gallery = Gallery::open({root()});
    ASSERT_TRUE(gallery) << gallery.error().text();
    gallery_ = std::move(*gallery);
  }

  /// Writes a picture with metadata, `age` seconds old.
  void draw(const std::string& path, int age, const Made& made = {}) {
    image::ImageMetadata metadata;
    metadata.prompt = made.prompt;
    metadata.seed = made.seed;
    metadata.sampler = made.sampler;
    metadata.steps = 20;
    image::AppMetadata app;
    app.model_id = made.model;
    image::Image picture(made.size, made.size / 2, 3);
    picture.pixels[0] = static_cast<std::uint8_t>(made.seed);
    const auto texts = made.grid ? image::grid_metadata_chunks({&metadata, 1}, app)
                                 : image::metadata_chunks(metadata, app);
    write(path, *image::encode_png(picture, texts), age);
  }

  void write(const std::string& path, const std::string& bytes, int age) {
    fs::create_directories((root() / path).parent_path());
    ASSERT_TRUE(write_file_atomically(root() / path, bytes));
    fs::last_write_time(root() / path, kNow - std::chrono::seconds(age));
  }

  IndexReport reindex() {
    auto report = gallery_->reindex();
    EXPECT_TRUE(report) << report.error().text();
    return *report;
  }

  Paths page(const PageRequest& request = {}) {
    const auto page = gallery_->page(request);
    EXPECT_TRUE(page) << page.error().text();
    Paths paths;
    for (const auto& picture : page->pictures) paths.push_back(picture.path);
    return paths;
  }
  Paths search(const std::string& words) { return page({.filter = {.search = words}}); }

  inline static const auto kNow = fs::file_time_type::clock::now();
  fs::path folder_;
  std::unique_ptr<Gallery> gallery_;
};

TEST_F(Index, TellsWhatTheFilesTell) {
  draw("000001.7.png", 10, {.prompt = "a red fox [blurry]", .seed = 7});
  const auto report = reindex();
  EXPECT_EQ(report.added, 1);
  EXPECT_TRUE(report.problems.empty());
  const auto picture = gallery_->picture("000001.7.png");
  ASSERT_TRUE(picture) << picture.error().text();
  EXPECT_EQ(picture->prompt, "a red fox [blurry]");
  EXPECT_EQ(picture->seed, 7);
  EXPECT_EQ(picture->steps, 20);
  EXPECT_EQ(picture->sampler, "ddim");
  EXPECT_EQ(picture->model, "demo");
  EXPECT_EQ(picture->width, 64);
  EXPECT_EQ(picture->height, 32);
  EXPECT_EQ(picture->kind, PictureKind::result);
  EXPECT_EQ(gallery_->picture("nothing.png").error().code, ErrorCode::not_found);
}

TEST_F(Index, OnlyWhatChangedIsRead) {
  draw("a.png", 30);
  draw("b.png", 20);
  draw("c.png", 10);
  EXPECT_EQ(reindex().added, 3);
  EXPECT_EQ(reindex().unchanged, 3);
  draw("b.png", 5, {.prompt = "another"});
  fs::remove(root() / "a.png");
  draw("d.png", 1);
  const auto report = reindex();
  EXPECT_EQ(report.added, 1);
  EXPECT_EQ(report.changed, 1);
  EXPECT_EQ(report.removed, 1);
  EXPECT_EQ(report.unchanged, 1);
  EXPECT_EQ(page(), (Paths{"d.png", "b.png", "c.png"}));
  EXPECT_EQ(search("another"), Paths{"b.png"});
  EXPECT_EQ(search("cat"), (Paths{"d.png", "c.png"}));
}

TEST_F(Index, SingleFilesAndFoldersAreUpdated) {
  draw("sub/a.png", 1);
  draw("sub2/b.png", 2);
  EXPECT_EQ(gallery_->update({"sub"})->added, 1);
  EXPECT_EQ(gallery_->update({"sub2/b.png"})->added, 1);
  fs::remove_all(root() / "sub");
  EXPECT_EQ(gallery_->update({"sub"})->removed, 1);
  EXPECT_EQ(page(), Paths{"sub2/b.png"});
  for (const char* path : {"../x", "/etc", "", ".gallery/index.db", "a/../../b", "a\\b"})
    EXPECT_EQ(gallery_->update({path}).error().code, ErrorCode::invalid_argument) << path;
}

TEST_F(Index, APictureIsThereAsSoonAsItsFileIs) {
  draw("a.png", 1);
  ASSERT_TRUE(gallery_->picture("a.png"));
  EXPECT_EQ(gallery_->picture("a.png")->prompt, "a cat");
  EXPECT_EQ(page(), Paths{"a.png"});
  EXPECT_EQ(gallery_->picture("b.png").error().code, ErrorCode::not_found);
  EXPECT_EQ(gallery_->picture("../a.png").error().code, ErrorCode::not_found);
}

TEST_F(Index, KindsComeFromFoldersAndGridsFromMetadata) {
  draw("a.png", 1);
  draw("g.png", 2, {.grid = true});
  for (const char* folder : {"init-images", "mask-images", "intermediates", "temp-images"})
    draw(fmt::format("{}/x.png", folder), 3);
  draw("prompt folder/b.PNG", 4);
  draw("thumbnails/t.png", 5);
  draw(".hidden/h.png", 5);
  draw(".part-1-x.png", 5);
  write("notes.txt", "no picture", 5);
  EXPECT_EQ(reindex().added, 7);
  EXPECT_EQ(page({.filter = {.kind = PictureKind::result}}),
            (Paths{"a.png", "prompt folder/b.PNG"}));
  EXPECT_EQ(page({.filter = {.kind = PictureKind::grid}}), Paths{"g.png"});
  EXPECT_EQ(page({.filter = {.kind = PictureKind::upload}}), Paths{"init-images/x.png"});
  EXPECT_EQ(page({.filter = {.kind = PictureKind::temporary}}), Paths{"temp-images/x.png"});
  EXPECT_EQ(picture_kind_from("mask"), PictureKind::mask);
  EXPECT_FALSE(picture_kind_from("nonsense"));
}

TEST_F(Index, OtherFormatsAndOddFiles) {
  image::Image picture(30, 20, 3);
  write("j.jpeg", *image::encode_jpeg(picture), 1);
  write("w.webp", *image::encode_webp(picture), 2);
  write("plain.png", *image::encode_png(picture), 3);
  for (const char* json : {"{", "[]", "3", R"({"image": 3})", R"({"images": []})",
                           R"({"image": {"prompt": [3, {"prompt": 4}], "seed": "x"}})"})
    write(fmt::format("odd{}.png", sha256_hex({reinterpret_cast<const std::uint8_t*>(json), 2})),
          *image::encode_png(picture, {{"sd-metadata", json}}), 4);
  write("text.png", "no picture at all", 5);
  write("empty.jpg", "", 5);
  const auto report = reindex();
  EXPECT_EQ(report.problems.size(), 2u);
  EXPECT_EQ(gallery_->picture("j.jpeg")->width, 30);
  EXPECT_EQ(gallery_->picture("w.webp")->height, 20);
  EXPECT_EQ(gallery_->picture("plain.png")->prompt, "");
  EXPECT_FALSE(gallery_->picture("text.png"));
}

TEST_F(Index, PagesMeetWithoutGapOrOverlap) {
  Paths all;
  for (int i = 0; i < 25; ++i) {
    all.push_back(fmt::format("{:02}.png", i));
    draw(all.back(), i / 5, {.seed = static_cast<std::uint32_t>(i)});  // five share a moment each
  }
  reindex();
  std::ranges::sort(all, [](const auto& a, const auto& b) {
    const int x = std::stoi(a) / 5, y = std::stoi(b) / 5;
    return x != y ? x < y : a > b;
  });
  Paths seen;
  PageRequest request{.limit = 7};
  std::vector<GalleryCursor> starts;
  while (true) {
    const auto page = gallery_->page(request);
    for (const auto& picture : page->pictures) seen.push_back(picture.path);
    const auto& last = page->pictures.back();
    request.older_than = GalleryCursor{last.created, last.path};
    if (!page->more) break;
  }
  EXPECT_EQ(seen, all);
  // Upwards from the end, newest first within the page.
  const auto newer = gallery_->page({.newer_than = request.older_than, .limit = 3});
  EXPECT_TRUE(newer->more);
  EXPECT_EQ(newer->pictures.back().path, all[23]);
  EXPECT_EQ(newer->pictures.front().path, all[21]);
  EXPECT_EQ(page({.skip = 20, .limit = 2}), (Paths{all[20], all[21]}));
  EXPECT_EQ(gallery_->count({}), 25);
}

TEST_F(Index, FiltersAndSearch) {
  draw("a.png", 1, {.prompt = "a red Fox in snow", .sampler = "ddim", .size = 128});
  draw("b.png", 2, {.prompt = "un renard rouge, caf\u00e9", .model = "other"});
  draw("c.png", 3, {.prompt = "foxes everywhere", .sampler = "k_lms"});
  reindex();
  EXPECT_EQ(search("fox"), (Paths{"a.png", "c.png"})) << "beginnings of words";
  EXPECT_EQ(search("snow red"), Paths{"a.png"}) << "in any order";
  EXPECT_EQ(search("cafe"), Paths{"b.png"}) << "without accents";
  EXPECT_EQ(search("\"red fox\""), Paths{"a.png"});
  EXPECT_EQ(search("\"fox red\""), Paths{});
  EXPECT_EQ(search("\"fox\""), Paths{"a.png"}) << "whole words in quotes";
  EXPECT_EQ(search("  "), (Paths{"a.png", "b.png", "c.png"}));
  for (const char* odd : {"\"", "fox AND", "(fox", "*", "NEAR(", "a\"b\"c", "prompt:fox", "'; --"})
    EXPECT_TRUE(gallery_->page({.filter = {.search = odd}})) << odd;
  EXPECT_EQ(page({.filter = {.model = "other"}}), Paths{"b.png"});
  EXPECT_EQ(page({.filter = {.sampler = "k_lms"}}), Paths{"c.png"});
  EXPECT_EQ(page({.filter = {.width = 128, .height = 64}}), Paths{"a.png"});
  EXPECT_EQ(*gallery_->count({.sampler = "ddim", .search = "fox"}), 1);
}

TEST_F(Index, StarsAndBoardsSurviveEverythingButTheUser) {
  for (int i = 0; i < 5; ++i)
    draw(fmt::format("{}.png", i), i, {.seed = static_cast<std::uint32_t>(i)});
  reindex();
  const auto board = gallery_->create_board("Foxes");
  ASSERT_TRUE(board);
  ASSERT_TRUE(gallery_->set_starred("0.png", true));
  ASSERT_TRUE(gallery_->set_starred("1.png", true));
  ASSERT_TRUE(gallery_->assign("1.png", board->id));
  ASSERT_TRUE(gallery_->assign("2.png", board->id));
  gallery_.reset();
  for (const char* end : {"", "-wal", "-shm"})
    fs::remove(root() / (std::string(".gallery/index.db") + end));
  fs::rename(root() / "1.png", root() / "renamed.png");
  fs::copy_file(root() / "0.png", root() / "copy.png");
  draw("2.png", 2, {.prompt = "edited in place"});
  reopen();
  reindex();
  EXPECT_EQ(page({.filter = {.starred = true}}), (Paths{"0.png", "renamed.png"}));
  EXPECT_EQ(page({.filter = {.board = board->id}}), (Paths{"renamed.png", "2.png"}));
  EXPECT_EQ(gallery_->boards()->at(0).pictures, 2);
  ASSERT_TRUE(gallery_->set_starred("0.png", false));
  ASSERT_TRUE(gallery_->assign("2.png", ""));
  EXPECT_EQ(gallery_->boards()->at(0).pictures, 1);
  EXPECT_EQ(page({.filter = {.starred = true}}), Paths{"renamed.png"});
}

TEST_F(Index, AMarkFollowsARenameWithinTheSameIndex) {
  draw("a.png", 1);
  reindex();
  ASSERT_TRUE(gallery_->set_starred("a.png", true));
  fs::create_directories(root() / "sub");
  fs::rename(root() / "a.png", root() / "sub/b.png");
  reindex();
  EXPECT_EQ(page({.filter = {.starred = true}}), Paths{"sub/b.png"});
}

TEST_F(Index, Boards) {
  draw("a.png", 1);
  reindex();
  const auto first = gallery_->create_board("First");
  EXPECT_EQ(gallery_->create_board("first").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(gallery_->create_board("  ").error().code, ErrorCode::invalid_argument);
  const auto second = gallery_->create_board("Second");
  EXPECT_FALSE(gallery_->rename_board(second->id, "FIRST"));
  ASSERT_TRUE(gallery_->rename_board(second->id, "second"));
  ASSERT_TRUE(gallery_->assign("a.png", second->id));
  EXPECT_EQ(gallery_->assign("a.png", "nothing").error().code, ErrorCode::not_found);
  EXPECT_EQ(gallery_->boards()->size(), 2u);
  ASSERT_TRUE(gallery_->delete_board(second->id));
  EXPECT_EQ(gallery_->delete_board(second->id).error().code, ErrorCode::not_found);
  EXPECT_EQ(gallery_->picture("a.png")->board, "");
}

TEST_F(Index, TheBinGivesBack) {
  draw("sub/a.png", 1);
  draw("b.png", 2);
  reindex();
  ASSERT_TRUE(gallery_->set_starred("sub/a.png", true));
  const auto removed = gallery_->remove("sub/a.png");
  ASSERT_TRUE(removed) << removed.error().text();
  EXPECT_EQ(gallery_->remove("sub/a.png").error().code, ErrorCode::not_found);
  EXPECT_EQ(page(), Paths{"b.png"});
  EXPECT_FALSE(fs::exists(root() / "sub/a.png"));
  EXPECT_EQ(reindex().added, 0) << "the bin is no part of the gallery";
  fs::remove(root() / "sub");
  ASSERT_EQ(gallery_->bin()->size(), 1u);
  EXPECT_EQ(gallery_->bin()->at(0).path, "sub/a.png");
  const auto restored = gallery_->restore(removed->id);
  ASSERT_TRUE(restored) << restored.error().text();
  EXPECT_TRUE(restored->starred);
  EXPECT_TRUE(gallery_->bin()->empty());
  EXPECT_EQ(gallery_->restore(removed->id).error().code, ErrorCode::not_found);
  EXPECT_FALSE(gallery_->restore("../.."));

  const auto again = gallery_->remove("b.png");
  draw("b.png", 9, {.prompt = "a newer one"});
  EXPECT_EQ(gallery_->restore(again->id).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(gallery_->bin()->size(), 1u) << "nothing lost by that";
  EXPECT_EQ(*gallery_->empty_bin(), 1);
  EXPECT_TRUE(gallery_->bin()->empty());
  EXPECT_TRUE(fs::exists(root() / "b.png"));
}

TEST_F(Index, ThumbnailsAreMadeOnceAndFollowThePicture) {
  image::Image picture(1000, 500, 3);
  write("a.png", *image::encode_png(picture), 10);
  const fs::path cache = folder_ / "cache";
  const auto path = ensure_thumbnail(root() / "a.png", cache);
  ASSERT_TRUE(path) << path.error().text();
  const auto small = image::load_image(*path);
  EXPECT_EQ(small->width, 256);
  EXPECT_EQ(small->height, 128);
  const auto time = fs::last_write_time(*path);
  EXPECT_EQ(*ensure_thumbnail(root() / "a.png", cache), *path);
  EXPECT_EQ(fs::last_write_time(*path), time);
  write("a.png", *image::encode_png(image::Image(20, 400, 3)), 5);
  const auto other = ensure_thumbnail(root() / "a.png", cache);
  EXPECT_NE(*other, *path);
  EXPECT_EQ(image::load_image(*other)->height, 256);
  write("tiny.png", *image::encode_png(image::Image(20, 10, 3)), 5);
  EXPECT_EQ(image::load_image(*ensure_thumbnail(root() / "tiny.png", cache))->width, 20)
      << "never enlarged";
  EXPECT_EQ(ensure_thumbnail(root() / "none.png", cache).error().code, ErrorCode::not_found);
  write("bad.png", "no picture", 5);
  EXPECT_FALSE(ensure_thumbnail(root() / "bad.png", cache));
  EXPECT_FALSE(ensure_thumbnail(root() / "a.png", "/dev/null/cache"));
}

TEST_F(Index, AnotherOutputsFolderIsImported) {
  draw("000001.1.png", 500, {.seed = 1});
  draw("init-images/u.png", 400);
  draw("thumbnails/000001.1.png", 400);
  fs::rename(root(), folder_ / "old");
  gallery_.reset();
  fs::remove_all(folder_ / "old/.gallery");
  fs::create_directories(root());
  draw("000001.1.png", 100, {.prompt = "ours"});
  const std::string ours = *read_file(root() / "000001.1.png");
  const auto report = import_outputs(folder_ / "old", root());
  ASSERT_TRUE(report) << report.error().text();
  EXPECT_EQ(report->copied, 2);
  EXPECT_EQ(report->renamed, 1);
  EXPECT_EQ(*read_file(root() / "000001.1.png"), ours);
  EXPECT_EQ(import_outputs(folder_ / "old", root())->known, 2) << "again changes nothing";
  reopen();
  EXPECT_EQ(reindex().added, 3);
  EXPECT_EQ(page(), (Paths{"000001.1.png", "init-images/u.png", "000001.1-2.png"}))
      << "dates are kept";
  EXPECT_FALSE(import_outputs(folder_ / "none", root()));
  EXPECT_EQ(import_outputs(folder_, root()).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(import_outputs(root(), root()).error().code, ErrorCode::invalid_argument);
}

TEST_F(Index, PagesAreReadWhileTheIndexIsMade) {
  for (int i = 0; i < 60; ++i) draw(fmt::format("{:03}.png", i), i);
  std::jthread reader([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) EXPECT_TRUE(gallery_->page({}));
  });
  std::jthread starrer([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) (void)gallery_->set_starred("000.png", true);
  });
  for (int i = 0; i < 5; ++i) {
    draw("000.png", i, {.seed = static_cast<std::uint32_t>(i)});
    reindex();
  }
}

TEST_F(Index, SubscribersHearOfChanges) {
  int calls = 0;
  const auto token = gallery_->subscribe([&] { ++calls; });
  draw("a.png", 1);
  reindex();
  EXPECT_EQ(calls, 1);
  reindex();
  EXPECT_EQ(calls, 1) << "nothing new";
  ASSERT_TRUE(gallery_->remove("a.png"));
  EXPECT_EQ(calls, 2);
}

TEST_F(Index, StorageFailuresAreClear) {
  EXPECT_EQ(Gallery::open({folder_ / "none"}).error().code, ErrorCode::not_found);
  const auto refused = Gallery::open({root(), "/dev/null/state"});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("/dev/null/state"), std::string::npos);
  gallery_.reset();
  ASSERT_TRUE(write_file_atomically(root() / ".gallery/index.db", std::string(4096, 'x')));
  const auto damaged = Gallery::open({root()});
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::bad_file);
}

}  // namespace
}  // namespace invokeai::gallery
