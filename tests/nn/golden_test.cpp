// Toy networks of the true architecture against diffusers and transformers
// (scripts/oracles/make_nn_golden.py): same formula weights, same inputs, same outputs.

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "nn/clip_text.h"
#include "nn/formula_weights.h"
#include "nn/unet.h"
#include "nn/vae.h"

namespace invokeai::nn {
namespace {

using nlohmann::json;

const json& cases() {
  static const json all =
      json::parse(read_file(INVOKEAI_TEST_DATA "/golden/nn/networks.json").value());
  return all;
}

at::Tensor input(const json& item, const char* name) {
  return testing::uniform(name, item.at("inputs").at(name).get<std::vector<std::int64_t>>());
}

at::Tensor run_unet(const json& item) {
  UNet unet(parse_unet_config(item.at("config")).value());
  testing::fill_by_formula(unet);
  const at::Tensor timesteps = at::tensor(item.at("timesteps").get<std::vector<float>>());
  SizeCondition size;
  const bool sized = unet.config().addition_time_dim > 0;
  if (sized) size = {input(item, "pooled_text"), 512 + 512 * input(item, "time_ids")};
  return unet.forward(input(item, "sample"), timesteps, input(item, "context"),
                      {.size = sized ? &size : nullptr});
}

at::Tensor run_vae(const json& item) {
  Vae vae(parse_vae_config(item.at("config")).value());
  testing::fill_by_formula(vae);
  if (item.at("inputs").contains("latents")) return vae.decode(input(item, "latents"));
  const LatentDistribution latents = vae.encode(input(item, "pixels"));
  return at::stack({latents.mean, latents.log_variance});
}

at::Tensor run_clip(const json& item) {
  ClipText clip(parse_clip_text_config(item.at("config")).value());
  testing::fill_by_formula(clip);
  std::vector<at::Tensor> rows;
  for (const json& row : item.at("ids"))
    rows.push_back(at::tensor(row.get<std::vector<std::int64_t>>()));
  const at::Tensor ids = at::stack(rows);
  const bool last = item.at("name").get<std::string>().ends_with("last layer");
  return last ? clip.forward(ids) : clip.penultimate(ids);
}

at::Tensor run(const json& item) {
  const at::NoGradGuard no_grad;
  const std::string network = item.at("network");
  if (network == "unet") return run_unet(item);
  return network == "vae" ? run_vae(item) : run_clip(item);
}

class Golden : public ::testing::TestWithParam<std::size_t> {};

TEST_P(Golden, OutputEqualsTheReference) {
  const json& item = cases().at(GetParam());
  const at::Tensor expected =
      at::tensor(item.at("output").get<std::vector<float>>())
          .reshape(item.at("output_shape").get<std::vector<std::int64_t>>());
  const at::Tensor got = run(item);
  ASSERT_EQ(got.sizes(), expected.sizes()) << item.at("name");
  const double largest = (got - expected).abs().max().item<double>();
  const at::Tensor a = got.flatten().to(at::kDouble), b = expected.flatten().to(at::kDouble);
  const double cosine = (a.dot(b) / (a.norm() * b.norm())).item<double>();
  RecordProperty("largest", fmt::format("{:.2g}", largest));
  EXPECT_LT(largest, 5e-5) << item.at("name");
  EXPECT_GT(cosine, 0.999999) << item.at("name");
}

std::string case_name(const ::testing::TestParamInfo<std::size_t>& info) {
  const json& item = cases().at(info.param);
  std::string name;
  for (const char c :
       item.at("network").get<std::string>() + " " + item.at("name").get<std::string>())
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Networks, Golden, ::testing::Range(std::size_t{0}, cases().size()),
                         case_name);

// A row must not depend on its neighbours, or a picture would change with the batch it is drawn in.
TEST(UNet, RowsOfABatchDoNotMix) {
  const at::NoGradGuard no_grad;
  const json& item = cases().front();
  UNet unet(parse_unet_config(item.at("config")).value());
  testing::fill_by_formula(unet);
  const at::Tensor sample = input(item, "sample"), context = input(item, "context");
  const at::Tensor times = at::tensor({981.0f, 1.0f});
  const at::Tensor both = unet.forward(sample, times, context);
  for (int row = 0; row < 2; ++row) {
    const auto only = [row](const at::Tensor& x) { return x.slice(0, row, row + 1); };
    const at::Tensor alone = unet.forward(only(sample), only(times), only(context));
    EXPECT_LT((alone - only(both)).abs().max().item<double>(), 1e-5) << row;
  }
}

// Padding tokens stand behind the prompt: with a causal mask they cannot change what precedes them.
TEST(ClipText, LaterTokensDoNotChangeEarlierOnes) {
  const at::NoGradGuard no_grad;
  const auto item =
      std::ranges::find(cases(), "clip", [](const json& c) { return c.at("network"); });
  ClipText clip(parse_clip_text_config(item->at("config")).value());
  testing::fill_by_formula(clip);
  const at::Tensor ids = at::arange(12, at::kLong).unsqueeze(0);
  at::Tensor changed = ids.clone();
  changed.slice(1, 8) += 40;
  const at::Tensor a = clip.forward(ids), b = clip.forward(changed);
  EXPECT_LT((a - b).slice(1, 0, 8).abs().max().item<double>(), 1e-6);
  EXPECT_GT((a - b).slice(1, 8).abs().max().item<double>(), 1e-2);
}

TEST(Networks, WrongShapesAreRefused) {
  const at::NoGradGuard no_grad;
  const json& item = cases().front();
  UNet unet(parse_unet_config(item.at("config")).value());
  testing::fill_by_formula(unet);
  const at::Tensor times = at::tensor({1.0f, 1.0f});
  EXPECT_THROW(unet.forward(at::zeros({2, 9, 8, 8}), times, input(item, "context")), c10::Error);
  EXPECT_THROW(unet.forward(input(item, "sample"), times, at::zeros({2, 7, 25})), c10::Error);
}

}  // namespace
}  // namespace invokeai::nn
