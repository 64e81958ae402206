#include "cli/metadata_program.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "image/metadata.h"

namespace invokeai::cli {
namespace {

class MetadataProgram : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / fmt::format("invokeai-metadata-{}", ::getpid());
    fs::create_directories(folder_);
    store("cat.png", {{"parameters",
                       "a cat\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 512x512, "
                       "Clip skip: 2, Model: m, RNG: CPU"}});
    store("bare.png", {});
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void store(const std::string& name, const image::TextChunks& texts) const {
    ASSERT_TRUE(
        write_file_atomically(path(name), *image::encode_png(image::Image(2, 2, 3), texts)));
  }
  int run(const std::vector<std::string>& words) {
    std::ostringstream out, errors;
    const int status = run_metadata(words, out, errors);
    out_ = out.str();
    errors_ = errors.str();
    return status;
  }

  fs::path folder_;
  std::string out_, errors_;
};

const std::string kLine = "a cat -s 20 -S 5 -W 512 -H 512 -C 7.0 -A k_euler --prompt_dialect a1111";

TEST_F(MetadataProgram, TellsWhatItFinds) {
  EXPECT_EQ(run({path("cat.png")}), 0);
  EXPECT_EQ(out_, path("cat.png") + "\n  made by: AUTOMATIC1111\n  model:   m\n  command: " +
                      kLine + "\n  lost:    its setting 'Clip skip' was '2'\n");
  EXPECT_EQ(run({"--line", path("cat.png")}), 0);
  EXPECT_EQ(out_, kLine + "\n");
  EXPECT_EQ(run({"--json", path("cat.png")}), 0);
  const auto json = nlohmann::json::parse(out_);
  EXPECT_EQ(json.at("command"), kLine);
  EXPECT_EQ(json.at("metadata").at("image").at("seed"), 5);
  EXPECT_EQ(json.at("lost").size(), 1u);
}

TEST_F(MetadataProgram, WritesOtherForms) {
  EXPECT_EQ(run({"--write", "dream", "--output", path("new.png"), path("cat.png")}), 0) << errors_;
  EXPECT_EQ(out_, "wrote " + path("new.png") + "\n");
  const auto texts = *image::read_png_text(*read_file(path("new.png")));
  ASSERT_EQ(texts.size(), 3u);
  EXPECT_EQ(texts[0].keyword, "Dream");
  EXPECT_EQ(texts[0].text, kLine);
  EXPECT_EQ(texts[2].keyword, "parameters");
  const auto json = nlohmann::json::parse(texts[1].text);
  EXPECT_EQ(json.at("app_id"), "invoke-ai/InvokeAI");
  EXPECT_EQ(json.at("model_id"), "m");
  EXPECT_EQ(run({"--write", "invokeai", path("cat.png")}), 0) << errors_;
  EXPECT_EQ(image::read_png_text(*read_file(path("cat.png")))->size(), 2u);
}

TEST_F(MetadataProgram, MistakesAreOneLine) {
  const std::vector<std::vector<std::string>> mistakes = {
      {},
      {"--fast", path("cat.png")},
      {"--write", "comfy", path("cat.png")},
      {path("cat.png"), "--write"},
      {"--output", path("x.png"), path("cat.png")},
      {"--write", "dream", "--output", path("x.png"), path("cat.png"), path("bare.png")}};
  for (const auto& words : mistakes) {
    EXPECT_EQ(run(words), 2);
    EXPECT_TRUE(errors_.starts_with("error: ")) << errors_;
    EXPECT_EQ(std::ranges::count(errors_, '\n'), 1) << errors_;
  }
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_TRUE(out_.starts_with("usage: invokeai-metadata"));
}

TEST_F(MetadataProgram, AFailingFileDoesNotHideTheOthers) {
  EXPECT_EQ(run({"--line", path("bare.png"), path("none.png"), path("cat.png")}), 1);
  EXPECT_EQ(out_, kLine + "\n");
  EXPECT_EQ(std::ranges::count(errors_, '\n'), 2) << errors_;
}

}  // namespace
}  // namespace invokeai::cli
