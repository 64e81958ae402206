#include "pipeline/recommended.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "pipeline/engine.h"

namespace invokeai::pipeline {
namespace {

class Recommended : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("invokeai-recommended-{}", ::getpid());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Result<SettingValues> read(const std::string& text) const {
    std::ofstream(folder_ / kRecommendedFile) << text;
    return read_recommended(folder_);
  }

  fs::path folder_;
};

TEST_F(Recommended, ReadsTheThreeSettings) {
  const auto values =
      read(R"({"cfg_scale": 2, "steps": 20, "sampler_name": "k_euler", "author": "somebody"})");
  ASSERT_TRUE(values) << values.error().text();
  EXPECT_EQ(values->real("cfg_scale"), 2);
  EXPECT_EQ(values->integer("steps"), 20);
  EXPECT_EQ(values->text("sampler_name"), "k_euler");
  EXPECT_EQ(values->given().size(), 3u) << "other keys are somebody else's";
}

TEST_F(Recommended, MostModelsSayNothing) {
  EXPECT_TRUE(read_recommended(folder_)->given().empty());
  EXPECT_TRUE(read_recommended(folder_ / "model.safetensors")->given().empty());
  EXPECT_TRUE(read("{}")->given().empty());
}

TEST_F(Recommended, MistakesNameTheFile) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "is no JSON object like"},
      {"[2]", "is no JSON object like"},
      {R"({"cfg_scale": "two"})", "cfg_scale takes a number of at least 1"},
      {R"({"steps": 0})", "steps takes a whole number from 1 to 999, not 0"},
      {R"({"sampler_name": "lms"})", "sampler_name takes one of ddim"}};
  for (const auto& [text, wanted] : cases) {
    const auto values = read(text);
    ASSERT_FALSE(values) << text;
    EXPECT_EQ(values.error().code, ErrorCode::bad_file) << text;
    EXPECT_NE(values.error().message.find("invokeai.json"), std::string::npos) << text;
    EXPECT_NE(values.error().message.find(wanted), std::string::npos) << values.error().message;
  }
}

TEST_F(Recommended, TheDemoModelWantsLightGuidance) {
  const auto values = read_recommended(INVOKEAI_SOURCE_ROOT "/models/demo");
  ASSERT_TRUE(values) << values.error().text();
  EXPECT_EQ(values->real("cfg_scale"), 2.5);
  EXPECT_EQ(values->text("sampler_name"), "k_euler_a");
  EngineOptions options;
  options.model_path = INVOKEAI_SOURCE_ROOT "/models/demo";
  EXPECT_EQ(make_fake_engine(options)->model().recommended.given(), values->given());
}

}  // namespace
}  // namespace invokeai::pipeline
