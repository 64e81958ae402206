// CLIPSeg's folder to a network: what is loaded, and one clear line for what is wrong.

#include "models/load_clipseg.h"

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "models/formats/safetensors.h"
#include "models/tensors.h"
#include "nn/formula_weights.h"

namespace invokeai::models {
namespace {

using nlohmann::json;

json toy_config() {
  return json::parse(read_file(INVOKEAI_TEST_DATA "/golden/nn/clipseg.json").value()).at("config");
}

class LoadClipSeg : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("invokeai-clipseg-{}", ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write_config(const std::string& text) const {
    std::ofstream(folder_ / "config.json") << text;
  }
  void write_weights(const json& config) const {
    nn::ClipSeg network(nn::parse_clipseg_config(config).value());
    nn::testing::fill_by_formula(network);
    ASSERT_TRUE(write_safetensors(folder_ / "model.safetensors", as_views(parameters_of(network)),
                                  {{"format", "pt"}}));
  }
  void expect_error(ErrorCode code, const std::string& part) const {
    const auto loaded = load_clipseg(folder_);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, code) << loaded.error().text();
    EXPECT_NE(loaded.error().message.find(part), std::string::npos) << loaded.error().text();
    EXPECT_NE(loaded.error().message.find(folder_.string()), std::string::npos)
        << loaded.error().text();
    EXPECT_EQ(loaded.error().message.find('\n'), std::string::npos);
  }

  fs::path folder_;
};

TEST_F(LoadClipSeg, AFolderIsReadWhole) {
  const at::NoGradGuard no_grad;
  write_config(toy_config().dump());
  write_weights(toy_config());
  const auto loaded = load_clipseg(folder_);
  ASSERT_TRUE(loaded) << loaded.error().text();
  EXPECT_FALSE(loaded->tokenizer_folder);
  nn::ClipSeg same(nn::parse_clipseg_config(toy_config()).value());
  nn::testing::fill_by_formula(same);
  const at::Tensor pixels = nn::testing::uniform("pixels", {1, 3, 32, 32});
  const at::Tensor text = nn::testing::uniform("text", {1, 24});
  EXPECT_TRUE(at::equal(loaded->network->forward(pixels, text), same.forward(pixels, text)));
  std::ofstream(folder_ / "vocab.json") << "{}";
  EXPECT_EQ(load_clipseg(folder_)->tokenizer_folder, folder_);
}

TEST_F(LoadClipSeg, WhatIsMissingIsSaidWithItsPlace) {
  expect_error(ErrorCode::not_found, "CIDAS/clipseg-rd64-refined");
  expect_error(ErrorCode::not_found, "model.safetensors (or pytorch_model.bin)");
  expect_error(ErrorCode::not_found, "--clipseg_path");
  write_config(toy_config().dump());
  expect_error(ErrorCode::not_found, "holds no weights");
}

TEST_F(LoadClipSeg, WhatIsWrongIsNamed) {
  write_weights(toy_config());
  write_config("{");
  expect_error(ErrorCode::bad_file, "config.json is not a JSON object");
  json config = toy_config();
  config["use_complex_transposed_convolution"] = false;
  write_config(config.dump());
  expect_error(ErrorCode::unsupported, "config.json: only the refined decoder");
  config = toy_config();
  config["reduce_dim"] = 32;
  write_config(config.dump());
  expect_error(ErrorCode::bad_file, "model.safetensors: clipseg tensors");
  write_config(toy_config().dump());
  fs::resize_file(folder_ / "model.safetensors", 1000);
  expect_error(ErrorCode::bad_file, "model.safetensors");
}

}  // namespace
}  // namespace invokeai::models
