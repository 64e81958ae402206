// Work on finished pictures: what is asked of the engine, and what the result tells.

#include "jobs/fix.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "image/png.h"
#include "jobs/worker.h"

namespace invokeai::jobs {
namespace {

using Words = std::vector<std::string>;

class FixTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("invokeai-fix-{}", ::getpid());
    fs::remove_all(folder_);
    SettingValues values;
    values.set("steps", std::int64_t{2});
    values.set("seed", std::int64_t{42});
    values.set("negative_prompt", std::string("fog"));
    values.set("skip_normalize", true);
    const auto job = make_job("a (red)1.2 cat", values, folder_);
    ASSERT_TRUE(job) << job.error().text();
    const JobReport report = run_job(*engine_, *job, {}, {});
    ASSERT_EQ(report.pictures.size(), 1u);
    picture_ = report.pictures.front().path;
  }
  void TearDown() override { fs::remove_all(folder_); }

  static SettingValues outcrop() {
    SettingValues values;
    values.set("steps", std::int64_t{2});
    values.set("outcrop", Words{"right", "64"});
    return values;
  }

  static std::string text_of(const fs::path& picture, std::string_view keyword) {
    const auto texts = image::read_png_text(read_file(picture).value_or(""));
    for (const image::TextChunk& text : texts.value_or(image::TextChunks()))
      if (text.keyword == keyword) return text.text;
    return "";
  }

  fs::path folder_, picture_;
  std::unique_ptr<pipeline::Engine> engine_ = pipeline::make_fake_engine({});
};

TEST_F(FixTest, PromptAndSeedAreThePicturesOwn) {
  SettingValues values = outcrop();
  values.set("iterations", std::int64_t{5});
  values.set("grid", true);
  const auto job = make_fix_job(picture_, "", values, folder_);
  ASSERT_TRUE(job) << job.error().text();
  const pipeline::GenerationRequest& request = job->request;
  EXPECT_EQ(request.prompt, "a (red)1.2 cat [fog]");
  EXPECT_TRUE(request.skip_normalize);
  EXPECT_EQ(request.seed, 42u);
  EXPECT_EQ(request.init->strength, 0.9);
  EXPECT_EQ(request.outpaint.seam.size, 96);
  EXPECT_EQ(request.iterations, 1);
  EXPECT_FALSE(job->output.grid);
}

TEST_F(FixTest, WhatIsGivenComesFirst) {
  SettingValues values = outcrop();
  values.set("seed", std::int64_t{0});
  values.set("strength", 0.5);
  const auto job = make_fix_job(picture_, "a dog", values, folder_);
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->request.prompt, "a dog");
  EXPECT_EQ(job->request.negative_prompt, "");
  EXPECT_EQ(job->request.seed, 0u);
  EXPECT_EQ(job->request.init->strength, 0.5);
  SettingValues random = outcrop();
  random.set("seed", std::int64_t{-1});
  EXPECT_EQ(make_fix_job(picture_, "a dog", random, folder_)->request.seed, std::nullopt);
}

TEST_F(FixTest, TheResultTellsBothHowItWasDrawnAndWorkedOn) {
  SettingValues values = outcrop();
  const auto job = make_fix_job(picture_, "", values, folder_);
  ASSERT_TRUE(job) << job.error().text();
  const JobReport first = run_job(*engine_, *job, {}, {}), second = run_job(*engine_, *job, {}, {});
  ASSERT_EQ(first.pictures.size() + second.pictures.size(), 2u);
  EXPECT_EQ(first.pictures[0].path.filename(), "000001.42.outcrop.png");
  EXPECT_EQ(second.pictures[0].path.filename(), "000001.42.outcrop-01.png");
  const std::string dream = text_of(first.pictures[0].path, "Dream");
  EXPECT_TRUE(dream.starts_with("!fix " + picture_.string() + " -s 2 -S 42 -W 128 -H 64 ")) << dream;
  EXPECT_EQ(dream, first.pictures[0].command);
  // The source's own description, and one step more.
  const auto json = nlohmann::json::parse(text_of(first.pictures[0].path, "sd-metadata"));
  auto wanted = nlohmann::json::parse(text_of(picture_, "sd-metadata"));
  wanted["image"]["postprocessing"] =
      nlohmann::json::array({{{"tool", "outcrop"}, {"dream_command", dream}}});
  EXPECT_EQ(json, wanted);
}

TEST_F(FixTest, NothingToDoAndAnotherStartAreMistakes) {
  SettingValues nothing;
  EXPECT_NE(make_fix_job(picture_, "", nothing, folder_).error().message.find("what to do"),
            std::string::npos);
  SettingValues values = outcrop();
  values.set("init_img", picture_.string());
  EXPECT_NE(make_fix_job(picture_, "", values, folder_).error().message.find("drop -I"),
            std::string::npos);
}

}  // namespace
}  // namespace invokeai::jobs
