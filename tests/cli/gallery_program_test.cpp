// The program invokeai-gallery itself.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/file.h"
#include "image/metadata.h"

namespace invokeai {
namespace {

class GalleryProgram : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / fmt::format("gallery-{}-{}", test->name(), ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "out");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void draw(const std::string& path, const std::string& prompt) const {
    image::ImageMetadata metadata;
    metadata.prompt = prompt;
    metadata.sampler = "ddim";
    fs::create_directories((folder_ / path).parent_path());
    ASSERT_TRUE(write_file_atomically(
        folder_ / path,
        *image::encode_png(image::Image(8, 8, 3), image::metadata_chunks(metadata, {}))));
  }

  /// Standard output and error together; the exit status goes into status_.
  std::string run(const std::string& arguments) {
    const std::string command =
        fmt::format("cd {} && HOME={} INVOKEAI_ROOT= TERM=dumb {}/bin/invokeai-gallery {} 2>&1",
                    folder_.string(), folder_.string(), INVOKEAI_BINARY_ROOT, arguments);
    std::FILE* pipe = ::popen(command.c_str(), "r");
    std::string output;
    char piece[4096];
    while (std::fgets(piece, sizeof piece, pipe) != nullptr) output += piece;
    status_ = WEXITSTATUS(::pclose(pipe));
    return output;
  }

  static bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != text.npos;
  }

  fs::path folder_;
  int status_ = -1;
};

TEST_F(GalleryProgram, IndexesListsAndSearches) {
  draw("out/a.png", "a red fox");
  draw("out/b.png", "a blue bird");
  EXPECT_EQ(run("-o out reindex"), "2 new, 0 changed, 0 gone, 0 as before\n");
  EXPECT_EQ(status_, 0);
  EXPECT_EQ(run("reindex --outdir=out"), "0 new, 0 changed, 0 gone, 2 as before\n");
  const std::string all = run("-o out list");
  EXPECT_TRUE(holds(all, "a.png  8x8  a red fox\n") && holds(all, "b.png  8x8  a blue bird\n"));
  const std::string found = run("-o out search red fox");
  EXPECT_TRUE(holds(found, "a.png") && !holds(found, "b.png")) << found;
  EXPECT_EQ(run("-o out list --size 8x16"), "");
  EXPECT_TRUE(holds(run("-o out list --limit 1"), "1 of 2; --skip 1 shows the next"));
}

TEST_F(GalleryProgram, ImportsAndUsesTheBin) {
  draw("old/a.png", "a red fox");
  EXPECT_EQ(run("-o new/out import old"),
            ">> 1 copied (0 under a new name), 0 there already\n"
            "1 new, 0 changed, 0 gone, 0 as before\n");
  const std::string removed = run("-o new/out bin add a.png");
  EXPECT_EQ(status_, 0) << removed;
  EXPECT_FALSE(fs::exists(folder_ / "new/out/a.png"));
  EXPECT_EQ(run("-o new/out bin"), removed);
  EXPECT_EQ(run("-o new/out bin restore " + removed.substr(0, 36)), "a.png\n");
  EXPECT_TRUE(fs::exists(folder_ / "new/out/a.png"));
  run("-o new/out bin add a.png");
  EXPECT_EQ(run("-o new/out bin empty"), ">> 1 deleted for good\n");
}

TEST_F(GalleryProgram, MistakesAreNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "a command is missing"},
      {"dance", "there is no command 'dance'"},
      {"--speed 3 list", "there is no option '--speed'"},
      {"list --limit", "--limit needs a value"},
      {"list --limit many", "--limit takes a whole number of at least 0, not 'many'"},
      {"list --size big", "--size takes a size like 512x768, not 'big'"},
      {"list --kind odd", "there is no kind 'odd'"},
      {"list --starred=yes", "--starred takes no value"},
      {"list x", "list takes no 'x'"},
      {"search", "search needs words"},
      {"import", "import takes one folder, not 0"},
      {"bin shake", "bin stands alone or with"},
      {"bin add ../x", "no path within the gallery"}};
  for (const auto& [arguments, wanted] : cases) {
    const std::string output = run(fmt::format("-o out {}", arguments));
    EXPECT_EQ(status_, 2) << arguments;
    EXPECT_TRUE(output.starts_with("error: ") && holds(output, wanted)) << output;
  }
  EXPECT_TRUE(holds(run("-o none list"), "there is no folder none"));
  EXPECT_EQ(status_, 1);
  run("--help");
  EXPECT_EQ(status_, 0);
}

}  // namespace
}  // namespace invokeai
