// Models whose networks load but whose schedule or tokenizer does not belong to them.

#include "models/whole_model.h"
#include "pipeline/engine_support.h"

namespace invokeai::pipeline {
namespace {

using models::testing::WholeModel;
using models::testing::write_text;

class OpenErrors : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { model_ = models::testing::make_whole_model(/*sd2=*/false); }
  void SetUp() override { ASSERT_TRUE(models::testing::write_folder(scratch_ / "model", model_)); }

  Result<std::unique_ptr<StableDiffusion>> open(const std::string& kind = "auto") const {
    return StableDiffusion::open({.model_path = (scratch_ / "model").string(),
                                  .device = "cpu",
                                  .precision = "float32",
                                  .model_kind = kind});
  }
  void expect_error(const std::string& file, const std::string& part) const {
    const auto engine = open();
    ASSERT_FALSE(engine) << "was accepted";
    const std::string& message = engine.error().message;
    EXPECT_NE(engine.error().code, ErrorCode::internal) << message;
    const fs::path named = file.empty() ? scratch_ / "model" : scratch_ / "model" / file;
    EXPECT_NE(message.find(named.string()), std::string::npos) << message;
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
  void set_scheduler(const std::string& key, nlohmann::json value) const {
    nlohmann::json config = model_.scheduler;
    config[key] = std::move(value);
    write_text(scratch_ / "model/scheduler/scheduler_config.json", config.dump());
  }

  static inline WholeModel model_;
  testing::Scratch scratch_;
};

TEST_F(OpenErrors, Schedules) {
  const std::string file = "scheduler/scheduler_config.json";
  struct Case {
    const char* key;
    nlohmann::json value;
    const char* part;
  };
  for (const Case& each :
       {Case{"prediction_type", "flow", "prediction_type 'flow' is not known"},
        Case{"prediction_type", 3, "wrong type"},
        Case{"beta_schedule", "wavy", "beta_schedule 'wavy' is not known"},
        Case{"beta_schedule", nullptr, "wrong type"},
        Case{"num_train_timesteps", 0, "num_train_timesteps must be 2 to 1000000, not 0"},
        Case{"num_train_timesteps", "many", "wrong type"},
        Case{"beta_end", 1.5, "every beta must lie between 0 and 1"},
        Case{"trained_betas", {0.1, "x"}, "wrong type"},
        Case{"steps_offset", -1, "steps_offset must be 0 to 999"}}) {
    SCOPED_TRACE(fmt::format("{} = {}", each.key, each.value.dump()));
    set_scheduler(each.key, each.value);
    expect_error(file, each.part);
  }
}

TEST_F(OpenErrors, PredictionsOfAllKinds) {
  for (const std::string type : {"epsilon", "v_prediction", "sample"}) {
    set_scheduler("prediction_type", type);
    const auto engine = open();
    ASSERT_TRUE(engine) << engine.error().text();
    EXPECT_EQ((*engine)->model().prediction, type);
    EXPECT_EQ(testing::pictures(**engine, testing::quick_request("a star")).size(), 1u);
  }
  EXPECT_EQ((*open("sd1-v"))->model().prediction, "v_prediction") << "the user's word";
}

TEST_F(OpenErrors, TokenizerOfAnotherModel) {
  const fs::path tokenizer = scratch_ / "model/tokenizer";
  fs::create_directories(tokenizer);
  expect_error("tokenizer", "holds neither vocab.json nor tokenizer.json");
  write_text(tokenizer / "vocab.json",
             R"({"a": 0, "<|startoftext|>": 50000, "<|endoftext|>": 50001})");
  expect_error("tokenizer/merges.txt", "");
  write_text(tokenizer / "merges.txt", "#version: 0.2\n");
  expect_error("",
               "the tokenizer has 50002 entries in windows of 77, the text encoder 49408 and 77");
  write_text(tokenizer / "vocab.json", "{");
  expect_error("tokenizer/vocab.json", "JSON object");
}

}  // namespace
}  // namespace invokeai::pipeline
