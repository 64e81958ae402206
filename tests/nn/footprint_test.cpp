// What is predicted of a network's memory against what its tensors really take.

#include "nn/footprint.h"

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <array>

#include "nn/clip_text.h"
#include "nn/counting_memory.h"
#include "nn/formula_weights.h"
#include "nn/unet.h"
#include "nn/vae.h"

namespace invokeai::nn {
namespace {

/// The prediction may be up to a tenth below and a third above: it counts what kernels outside of
/// libtorch's allocator take, which the measured figure does not.
void expect_near(std::int64_t predicted, std::int64_t measured, const std::string& what) {
  EXPECT_GT(static_cast<double>(predicted), 0.9 * static_cast<double>(measured)) << what;
  EXPECT_LT(static_cast<double>(predicted), 1.35 * static_cast<double>(measured)) << what;
}

UNetConfig narrow_unet() {
  UNetConfig config;
  config.block_channels = {64, 128, 256, 256};
  config.cross_attention_dim = 96;
  config.heads = {4, 4, 4, 4};
  return config;
}

VaeConfig narrow_vae() {
  VaeConfig config;
  config.block_channels = {32, 64, 128, 128};
  return config;
}

template <class Network>
void prepare(Network& network, at::ScalarType dtype, WeightForm form = WeightForm::as_loaded) {
  testing::fill_by_formula(network);
  convert(network, at::kCPU, dtype);
  network.pack(form);
}

class Footprint : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  const at::NoGradGuard no_grad_;
  at::TensorOptions options() const { return at::TensorOptions().dtype(GetParam()); }
};

TEST_P(Footprint, OfTheUNet) {
  UNet unet(narrow_unet());
  prepare(unet, GetParam());
  using Shapes = std::vector<std::array<std::int64_t, 3>>;
  for (const auto& [rows, height, width] :
       Shapes{{2, 64, 64}, {1, 64, 64}, {2, 96, 48}, {2, 40, 56}, {1, 128, 128}}) {
    testing::CountingMemory memory;
    const at::Tensor sample = at::zeros({rows, 4, height, width}, options());
    const at::Tensor context = at::zeros({rows, 77, 96}, options());
    memory.restart();
    unet.forward(sample, at::full({rows}, 500.0f), context);
    expect_near(unet_footprint(unet.config(), {rows, height, width, 77}, GetParam()), memory.most(),
                fmt::format("{}x{}x{}", rows, height, width));
  }
}

TEST_P(Footprint, OfTheUNetIn8Bits) {
  UNet unet(narrow_unet());
  prepare(unet, GetParam(), WeightForm::int8);
  testing::CountingMemory memory;
  const at::Tensor sample = at::zeros({2, 4, 64, 64}, options());
  const at::Tensor context = at::zeros({2, 77, 96}, options());
  memory.restart();
  unet.forward(sample, at::full({2}, 500.0f), context);
  expect_near(unet_footprint(unet.config(), {2, 64, 64, 77}, GetParam(), WeightForm::int8),
              memory.most(), "int8");
}

TEST_P(Footprint, OfTheVae) {
  Vae vae(narrow_vae());
  prepare(vae, GetParam());
  using Shapes = std::vector<std::array<std::int64_t, 2>>;
  for (const auto& [height, width] : Shapes{{32, 32}, {24, 40}, {64, 32}, {96, 96}}) {
    testing::CountingMemory memory;
    const at::Tensor latents = at::zeros({1, 4, height, width}, options());
    memory.restart();
    vae.decode(latents).to(at::kFloat);
    expect_near(decoder_footprint(vae.config(), height, width, GetParam()), memory.most(),
                fmt::format("decode {}x{}", height, width));
    memory.restart();
    vae.decode_in_bands(latents).to(at::kFloat);
    expect_near(banded_decoder_footprint(vae.config(), height, width, GetParam()), memory.most(),
                fmt::format("decode in bands {}x{}", height, width));
    memory.restart();
    vae.encode(at::zeros({1, 3, 8 * height, 8 * width}, at::kFloat).to(GetParam()));
    expect_near(encoder_footprint(vae.config(), height, width, GetParam()), memory.most(),
                fmt::format("encode {}x{}", height, width));
  }
}

TEST_P(Footprint, OfTheTextEncoder) {
  ClipText text(ClipTextConfig{.vocab_size = 100, .layers = 2});
  prepare(text, GetParam());
  testing::CountingMemory memory;
  const at::Tensor ids = at::zeros({1, 77}, at::kLong);
  memory.restart();
  text.forward(ids).to(at::kFloat);
  expect_near(text_footprint(text.config(), GetParam()), memory.most(), "text");
}

INSTANTIATE_TEST_SUITE_P(Types, Footprint, ::testing::Values(at::kFloat, at::kBFloat16));

}  // namespace
}  // namespace invokeai::nn
