// With edges that meet, moving the input round moves the output round: exact for any weights, as
// long as the way is a multiple of what the levels halve.

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "nn/formula_weights.h"
#include "nn/unet.h"
#include "nn/vae.h"

namespace invokeai::nn {
namespace {

using nlohmann::json;

/// Largest change of the output when the input is rolled along `axis`, rolled back.
double change(const std::function<at::Tensor(const at::Tensor&)>& network, const at::Tensor& x,
              std::int64_t axis, std::int64_t by, std::int64_t scale_up, std::int64_t scale_down) {
  const at::Tensor moved = network(at::roll(x, {by}, {axis}).contiguous());
  const at::Tensor back = at::roll(moved, {-by * scale_up / scale_down}, {axis});
  return (back - network(x)).abs().max().item<double>();
}

struct Case {
  Wrap wrap;
  bool x_holds, y_holds;
};
const Case kCases[] = {{{true, true}, true, true},
                       {{true, false}, true, false},
                       {{false, true}, false, true},
                       {{false, false}, false, false}};

void expect_equivariant(Module& network, const std::function<at::Tensor(const at::Tensor&)>& run,
                        const at::Tensor& x, std::int64_t by, std::int64_t up, std::int64_t down) {
  for (const bool packed : {false, true}) {
    if (packed) network.pack();
    for (const Case& each : kCases) {
      set_wrap(network, each.wrap);
      EXPECT_EQ(change(run, x, 3, by, up, down) < 1e-4, each.x_holds) << "x, packed " << packed;
      EXPECT_EQ(change(run, x, 2, by, up, down) < 1e-4, each.y_holds) << "y, packed " << packed;
    }
  }
}

TEST(Wrap, UNet) {
  const at::NoGradGuard no_grad;
  UNet unet(parse_unet_config(json::parse(R"({"block_out_channels":[32,64], "norm_num_groups":8,
      "attention_head_dim":4, "cross_attention_dim":16, "layers_per_block":1,
      "down_block_types":["CrossAttnDownBlock2D","DownBlock2D"],
      "up_block_types":["UpBlock2D","CrossAttnUpBlock2D"]})")).value());
  testing::fill_by_formula(unet);
  const at::Tensor x = testing::uniform("sample", {1, 4, 8, 8}), times = at::tensor({300.0f});
  const at::Tensor context = testing::uniform("context", {1, 7, 16});
  expect_equivariant(unet, [&](const at::Tensor& input) { return unet.forward(input, times, context); },
                     x, 2, 1, 1);
}

TEST(Wrap, VaeDecoder) {
  const at::NoGradGuard no_grad;
  Vae vae(parse_vae_config(json::parse(R"({"block_out_channels":[16,32], "norm_num_groups":8,
      "down_block_types":["DownEncoderBlock2D","DownEncoderBlock2D"],
      "up_block_types":["UpDecoderBlock2D","UpDecoderBlock2D"]})")).value());
  testing::fill_by_formula(vae);
  expect_equivariant(vae, [&](const at::Tensor& input) { return vae.decode(input); },
                     testing::uniform("latents", {1, 4, 8, 8}), 3, 2, 1);
}

}  // namespace
}  // namespace invokeai::nn
