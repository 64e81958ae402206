#include "gallery/outputs.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <set>
#include <sstream>
#include <thread>

namespace invokeai::gallery {
namespace {

using image::Image;

class Outputs : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        fs::path(::testing::TempDir()) / fmt::format("outputs_{}_{}", test->name(), ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void touch(const std::string& name) { ASSERT_TRUE(write_file_atomically(folder_ / name, name)); }

  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_))
      found.insert(entry.path().filename().string());
    return found;
  }

  PictureName numbered(std::int64_t seed) const {
    return {.folder = folder_, .values = {{"seed", seed}}};
  }

  fs::path folder_;
  Image dot_ = Image(1, 1, 3);
};

TEST_F(Outputs, NextPrefixIsOneMoreThanTheLargestNumber) {
  EXPECT_EQ(*next_prefix(folder_), 1);
  EXPECT_EQ(*next_prefix(folder_ / "missing"), 1);
  touch("000009.1.png");
  touch("10.x.png");
  EXPECT_EQ(*next_prefix(folder_), 11);
  touch("1000000.3.png");  // sorts before 999999 as text
  touch("999999.3.png");
  EXPECT_EQ(*next_prefix(folder_), 1000001);
}

TEST_F(Outputs, OtherNamesDoNotCount) {
  for (const auto* name : {"000050.png", "000051.2.jpg", "x000052.1.png", "000053-1.png", "54",
                           "99999999999999999999.1.png", "notes.txt"})
    touch(name);
  EXPECT_EQ(*next_prefix(folder_), 1);
  touch("000060.1.png.bak");  // matches as a prefix of the name, as in the original
  EXPECT_EQ(*next_prefix(folder_), 61);
}

TEST_F(Outputs, PrefixHasAtLeastSixDigits) {
  EXPECT_EQ(format_prefix(1), "000001");
  EXPECT_EQ(format_prefix(1234567), "1234567");
}

TEST_F(Outputs, NameFormats) {
  const NameValues values = {{"prefix", "000007"},        {"seed", std::int64_t{42}},
                             {"steps", std::int64_t{50}}, {"cfg_scale", 7.5},
                             {"sampler_name", "k_lms"},   {"model", "a/b"},
                             {"prompt", "a cat/dog"},     {"init_img", std::monostate{}},
                             {"seamless", false},         {"dots", ".."}};
  std::istringstream table(*read_file(INVOKEAI_TEST_DATA "/gallery/tables/name_format.txt"));
  int cases = 0;
  for (std::string line; std::getline(table, line);) {
    const auto arrow = line.find("=> ");
    if (line.starts_with('#') || arrow == std::string::npos) continue;
    ++cases;
    const std::string expected = line.substr(arrow + 3);
    const auto name = format_name(line.substr(0, arrow > 0 ? arrow - 1 : 0), values);
    if (expected.starts_with("! ")) {
      ASSERT_FALSE(name) << line << " gave " << *name;
      EXPECT_EQ(name.error().code, ErrorCode::invalid_argument);
      EXPECT_NE(name.error().message.find(expected.substr(2)), std::string::npos)
          << line << "\n"
          << name.error().message;
    } else {
      ASSERT_TRUE(name) << line << "\n" << name.error().message;
      EXPECT_EQ(*name, expected) << line;
    }
  }
  EXPECT_GE(cases, 30);
}

TEST_F(Outputs, PromptFolders) {
  const fs::path out = "/out";
  EXPECT_EQ(prompt_folder(out, "a cat"), "/out/a cat");
  EXPECT_EQ(prompt_folder(out, "a<b>c:d\"e/f\\g|h?i*j\nk"), "/out/a_b_c_d_e_f_g_h_i_j_k");
  EXPECT_EQ(prompt_folder(out, "dots... . "), "/out/dots");
  EXPECT_EQ(prompt_folder(out, "../x"), "/out/.._x");
  EXPECT_EQ(prompt_folder(out, ".."), "/out");
  EXPECT_EQ(prompt_folder(out, ""), "/out");
  EXPECT_EQ(prompt_folder(out, std::string(300, 'a')).filename().string(), std::string(255, 'a'));
  // 127 characters of two bytes: the 128th is not cut in half.
  std::string accents;
  for (int i = 0; i < 200; ++i) accents += "é";
  EXPECT_EQ(prompt_folder(out, accents).filename().string().size(), 254u);
  const fs::path deep = "/" + std::string(3950, 'd');
  EXPECT_EQ((prompt_folder(deep, std::string(300, 'a')).string()).size(), 4096u - 39u);
}

TEST_F(Outputs, PicturesAreSavedWithTheirTexts) {
  auto name = numbered(42);
  name.folder = folder_ / "made" / "for it";
  const auto saved = save_picture(name, dot_, {{"Dream", "a cat"}});
  ASSERT_TRUE(saved) << saved.error().text();
  EXPECT_EQ(saved->path, name.folder / "000001.42.png");
  EXPECT_EQ(saved->prefix, 1);
  const std::string bytes = *read_file(saved->path);
  EXPECT_EQ(*image::decode_png(bytes), dot_);
  EXPECT_EQ(image::read_png_text(bytes)->at(0).text, "a cat");
}

TEST_F(Outputs, ATakenNumberIsNotOverwritten) {
  touch("000001.42.png");
  touch("000004.1.png");
  const auto saved = save_picture(numbered(42), dot_, {});
  ASSERT_TRUE(saved) << saved.error().text();
  EXPECT_EQ(saved->path.filename(), "000005.42.png");
  EXPECT_EQ(saved->prefix, 5);
  EXPECT_EQ(*read_file(folder_ / "000001.42.png"), "000001.42.png");
  EXPECT_EQ(names().size(), 3u);
}

TEST_F(Outputs, AFixedNameReplaces) {
  touch("last.png");
  auto name = numbered(42);
  name.format = "last.png";
  ASSERT_TRUE(save_picture(name, dot_, {}));
  EXPECT_EQ(*image::decode_png(*read_file(folder_ / "last.png")), dot_);
  EXPECT_EQ(names().size(), 1u);
}

TEST_F(Outputs, AgainCountsThePicturesOfOneName) {
  auto name = numbered(42);
  name.format = "cat.{seed}.outcrop{again}.png";
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(save_picture(name, dot_, {}));
  EXPECT_EQ(names(), (std::set<std::string>{"cat.42.outcrop.png", "cat.42.outcrop-01.png",
                                            "cat.42.outcrop-02.png"}));
}

TEST_F(Outputs, BadFormatsAndCompressionAreReported) {
  auto name = numbered(42);
  name.format = "{sede}.png";
  EXPECT_EQ(save_picture(name, dot_, {}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(save_picture(numbered(1), dot_, {}, 10).error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(names().empty());
}

TEST_F(Outputs, RacingWritersNeverShareAFile) {
  constexpr int kWriters = 4, kPictures = 10;
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      Image picture(1, 1, 1);
      for (int i = 0; i < kPictures; ++i) {
        picture.pixels[0] = static_cast<std::uint8_t>(writer * kPictures + i);
        EXPECT_TRUE(save_picture(numbered(42), picture, {}));
      }
    });
  }
  writers.clear();
  std::set<int> found;
  for (const auto& name : names())
    found.insert(image::decode_png(*read_file(folder_ / name))->pixels[0]);
  EXPECT_EQ(found.size(), std::size_t{kWriters * kPictures});
}

TEST_F(Outputs, KeepLeavesWhatIsThere) {
  touch("a.png");
  EXPECT_FALSE(*write_output(folder_ / "a.png", "new", Existing::keep));
  EXPECT_EQ(*read_file(folder_ / "a.png"), "a.png");
  EXPECT_TRUE(*write_output(folder_ / "a.png", "new", Existing::replace));
  EXPECT_EQ(*read_file(folder_ / "a.png"), "new");
  EXPECT_EQ(names().size(), 1u);
}

TEST_F(Outputs, ImpossiblePlacesAreNamed) {
  touch("file");
  const auto below_file = write_output(folder_ / "file" / "a.png", "x", Existing::keep);
  ASSERT_FALSE(below_file);
  EXPECT_NE(below_file.error().message.find((folder_ / "file").string()), std::string::npos);
  fs::create_directory(folder_ / "taken.png");
  const auto over_folder = write_output(folder_ / "taken.png", "x", Existing::replace);
  ASSERT_FALSE(over_folder);
  EXPECT_NE(over_folder.error().message.find("taken.png"), std::string::npos);
  const auto long_name = write_output(folder_ / std::string(300, 'a'), "x", Existing::keep);
  ASSERT_FALSE(long_name);
  EXPECT_EQ(long_name.error().code, ErrorCode::io);
  EXPECT_EQ(names(), (std::set<std::string>{"file", "taken.png"}));
}

TEST_F(Outputs, NamesOfTheFullLengthWork) {
  EXPECT_TRUE(write_output(folder_ / std::string(255, 'a'), "x", Existing::keep));
}

TEST_F(Outputs, UnwritableFolderIsNamed) {
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  const bool root = ::geteuid() == 0;
  ASSERT_TRUE(!root || ::seteuid(65534) == 0);
  const auto saved = save_picture(numbered(1), dot_, {});
  ASSERT_TRUE(!root || ::seteuid(0) == 0);
  fs::permissions(folder_, fs::perms::owner_all);
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, ErrorCode::io);
  EXPECT_NE(saved.error().message.find(folder_.string()), std::string::npos);
  EXPECT_NE(saved.error().message.find("ermission denied"), std::string::npos);
}

TEST_F(Outputs, FailedWriteLeavesNothingBehind) {
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 100;  // bytes a file may have
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto written = write_output(folder_ / "a.png", std::string(5000, 'x'), Existing::keep);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find((folder_ / "a.png").string()), std::string::npos);
  EXPECT_TRUE(names().empty());
}

TEST_F(Outputs, LogsGrowByOneEntryAPicture) {
  const std::vector<LogEntry> first = {{folder_ / "000001.1.png", "a cat -s 50"},
                                       {folder_ / "000001.2.png", "a\ncat -s 50"}};
  const std::vector<LogEntry> second = {{folder_ / "000002.3.png", "a dog -s 50"}};
  ASSERT_TRUE(append_log(folder_, first));
  ASSERT_TRUE(append_log(folder_, second));
  const std::string path = folder_.string();
  EXPECT_EQ(*read_file(folder_ / "invoke_log.txt"), path + "/000001.1.png: a cat -s 50\n" + path +
                                                        "/000001.2.png: a cat -s 50\n" + path +
                                                        "/000002.3.png: a dog -s 50\n");
  EXPECT_EQ(*read_file(folder_ / "invoke_log.md"),
            "## 000001.1.png\n![](000001.1.png)\n\na cat -s 50\n"
            "## 000001.2.png\n![](000001.2.png)\n\na cat -s 50\n"
            "## 000002.3.png\n![](000002.3.png)\n\na dog -s 50\n");
}

TEST_F(Outputs, UnwritableLogIsNamed) {
  fs::create_directory(folder_ / "invoke_log.txt");
  const std::vector<LogEntry> entries = {{folder_ / "a.png", "a cat"}};
  const auto logged = append_log(folder_, entries);
  ASSERT_FALSE(logged);
  EXPECT_NE(logged.error().message.find("invoke_log.txt"), std::string::npos);
}

}  // namespace
}  // namespace invokeai::gallery
