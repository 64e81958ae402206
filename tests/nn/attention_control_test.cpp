// A control that does what the plain attention does changes nothing, and sees every layer.

#include "nn/attention_control.h"

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "nn/formula_weights.h"
#include "nn/unet.h"

namespace invokeai::nn {
namespace {

using nlohmann::json;

struct Onlooker : AttentionControl {
  at::Tensor attend(const AttentionSite& site, const AttentionInput& in, bool upcast) override {
    sites.push_back(site);
    if (explicit_maps) return apply_maps(attention_maps(in.q, in.k, site.heads), in.v);
    return attention(in.q, in.k, in.v, site.heads, false, upcast);
  }
  bool explicit_maps = false;
  std::vector<AttentionSite> sites;
};

TEST(AttentionControl, SeesEveryLayerAndMayLeaveItAsItIs) {
  const at::NoGradGuard no_grad;
  const json item =
      json::parse(read_file(INVOKEAI_TEST_DATA "/golden/nn/networks.json").value()).at(0);
  UNet unet(parse_unet_config(item.at("config")).value());
  testing::fill_by_formula(unet);
  const at::Tensor sample = testing::uniform("sample", {2, 4, 8, 6});
  const at::Tensor context = testing::uniform("context", {2, 7, 24});
  const at::Tensor times = at::tensor({981.0f, 1.0f});
  const at::Tensor plain = unet.forward(sample, times, context);

  Onlooker onlooker;
  EXPECT_TRUE(at::equal(unet.forward(sample, times, context, {.control = &onlooker}), plain));
  // Two levels with attention, two blocks each down, three up, one in the middle; self and cross.
  ASSERT_EQ(onlooker.sites.size(), 2u * (4 + 1 + 6));
  for (std::size_t i = 0; i < onlooker.sites.size(); ++i)
    EXPECT_EQ(onlooker.sites[i].cross, i % 2 == 1) << i;
  EXPECT_EQ(onlooker.sites.front().height, 8);
  EXPECT_EQ(onlooker.sites.front().width, 6);
  EXPECT_EQ(onlooker.sites[8].height, 2);  // the middle, two levels down

  onlooker.explicit_maps = true;
  const at::Tensor by_maps = unet.forward(sample, times, context, {.control = &onlooker});
  EXPECT_LT((by_maps - plain).abs().max().item<double>(), 1e-5);
}

TEST(AttentionControl, MapsAreProbabilities) {
  const at::Tensor q = testing::uniform("q", {2, 6, 8}), k = testing::uniform("k", {2, 5, 8});
  const at::Tensor maps = attention_maps(q, k, 4);
  EXPECT_EQ(maps.sizes(), (std::vector<std::int64_t>{2, 4, 6, 5}));
  EXPECT_LT((maps.sum(-1) - 1).abs().max().item<double>(), 1e-6);
  EXPECT_GT(maps.min().item<double>(), 0);
  EXPECT_THROW(attention_maps(q, testing::uniform("k", {2, 5, 6}), 4), c10::Error);
}

}  // namespace
}  // namespace invokeai::nn
