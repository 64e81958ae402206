// CLIPSeg against transformers (scripts/oracles/make_clipseg_golden.py).

#include "nn/clipseg.h"

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "nn/formula_weights.h"

namespace invokeai::nn {
namespace {

using nlohmann::json;

json golden() {
  return json::parse(read_file(INVOKEAI_TEST_DATA "/golden/nn/clipseg.json").value());
}

at::Tensor numbers(const json& list) { return at::tensor(list.get<std::vector<float>>()); }

TEST(ClipSeg, OutputEqualsTheReference) {
  const at::NoGradGuard no_grad;
  const json all = golden();
  ClipSeg network(parse_clipseg_config(all.at("config")).value());
  testing::fill_by_formula(network);
  for (const json& item : all.at("cases")) {
    const std::int64_t side = item.at("side");
    const at::Tensor ids = at::tensor(item.at("ids").get<std::vector<std::int64_t>>());
    const at::Tensor text = network.encode_text(ids.unsqueeze(0), item.at("end"));
    EXPECT_LT((text[0] - numbers(item.at("text"))).abs().max().item<double>(), 5e-5) << side;
    const at::Tensor logits = network.forward(testing::uniform("pixels", {1, 3, side, side}), text);
    const at::Tensor wanted = numbers(item.at("logits")).view({side, side});
    ASSERT_EQ(logits.sizes(), wanted.sizes());
    const double largest = (logits - wanted).abs().max().item<double>();
    RecordProperty("largest", fmt::format("{:.2g}", largest));
    EXPECT_LT(largest, 5e-5) << side;
    EXPECT_GT(wanted.std().item<double>(), 0.05) << "a flat map would show nothing";
  }
}

TEST(ClipSeg, TheTextDecidesWhatIsFound) {
  const at::NoGradGuard no_grad;
  ClipSeg network(parse_clipseg_config(golden().at("config")).value());
  testing::fill_by_formula(network);
  const at::Tensor pixels = testing::uniform("pixels", {1, 3, 32, 32});
  const auto found = [&](std::int64_t word) {
    const at::Tensor ids = at::tensor(std::vector<std::int64_t>{97, word, 98}).unsqueeze(0);
    return network.forward(pixels, network.encode_text(ids, 2));
  };
  EXPECT_GT((found(5) - found(6)).abs().max().item<double>(), 1e-3);
}

TEST(ClipSeg, WrongShapesAreRefused) {
  const at::NoGradGuard no_grad;
  ClipSeg network(parse_clipseg_config(golden().at("config")).value());
  testing::fill_by_formula(network);
  const at::Tensor text = at::zeros({1, 24});
  EXPECT_THROW(network.forward(at::zeros({1, 3, 32, 48}), text), c10::Error);
  EXPECT_THROW(network.forward(at::zeros({1, 3, 40, 40}), text), c10::Error);
  EXPECT_THROW(network.forward(at::zeros({2, 3, 32, 32}), text), c10::Error);
}

TEST(ClipSeg, ConfigsThatCannotBeRunAreRefused) {
  const auto message = [](const char* key, const json& value, const char* part = nullptr) {
    json config = golden().at("config");
    (part == nullptr ? config : config[part])[key] = value;
    const auto parsed = parse_clipseg_config(config);
    return parsed ? std::string() : parsed.error().message;
  };
  EXPECT_EQ(message("projection_dim", 24), "");
  EXPECT_NE(message("use_complex_transposed_convolution", false).find("refined"), std::string::npos);
  EXPECT_NE(message("extract_layers", json({2, 1})).find("rising"), std::string::npos);
  EXPECT_NE(message("extract_layers", json({6})).find("below 6"), std::string::npos);
  EXPECT_NE(message("extract_layers", json::array()).find("empty"), std::string::npos);
  EXPECT_NE(message("reduce_dim", 18).find("does not fit"), std::string::npos);
  EXPECT_NE(message("patch_size", 0, "vision_config").find("wanted 1 to"), std::string::npos);
  EXPECT_NE(message("image_size", 33, "vision_config").find("do not fit"), std::string::npos);
  EXPECT_NE(message("hidden_act", "relu", "vision_config").find("relu"), std::string::npos);
  EXPECT_NE(message("hidden_act", "relu", "text_config").find("relu"), std::string::npos);
  EXPECT_FALSE(parse_clipseg_config(json("x")));
  EXPECT_FALSE(parse_clipseg_config(json{{"text_config", 3}, {"vision_config", 4}}));
}

}  // namespace
}  // namespace invokeai::nn
