// A decoder in bands against the same decoder in one piece.

#include "nn/banded_decoder.h"

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "nn/formula_weights.h"
#include "nn/vae.h"

namespace invokeai::nn {
namespace {

VaeConfig narrow() {
  VaeConfig config;
  config.block_channels = {32, 64, 96, 128};
  config.layers_per_block = 1;
  config.groups = 16;
  return config;
}

/// Signal to noise of pictures in [-1,1], dB.
double psnr(const at::Tensor& a, const at::Tensor& b) {
  const double error = (a.to(at::kFloat) - b.to(at::kFloat)).square().mean().item<double>();
  return 10 * std::log10(4 / error);
}

class BandedDecoder : public ::testing::TestWithParam<Wrap> {
 protected:
  BandedDecoder() : vae_(narrow()) {
    testing::fill_by_formula(vae_);
    set_wrap(vae_, GetParam());
  }
  const at::NoGradGuard no_grad_;
  Vae vae_;
};

TEST_P(BandedDecoder, IsTheWholeUpToRounding) {
  for (const bool packed : {false, true}) {
    if (packed) vae_.pack();
    // Less than a band, a band and a bit, several, odd numbers of rows.
    for (const auto& [height, width] : {std::array{2, 5}, {9, 12}, {33, 8}, {70, 6}}) {
      // Statistics that differ from place to place.
      const at::Tensor latents = testing::uniform("latents", {1, 4, height, width}) *
                                 at::linspace(0.1, 4, height).view({1, 1, height, 1});
      const at::Tensor whole = vae_.decode(latents),
                       banded = vae_.decode_in_bands(latents, GetParam());
      ASSERT_EQ(banded.sizes(), whole.sizes());
      EXPECT_LT((banded - whole).abs().max().item<double>(),
                2e-5 * whole.abs().max().item<double>())
          << height << "x" << width << ", packed " << packed;
    }
  }
}

TEST_P(BandedDecoder, InHalfPrecision) {
  convert(vae_, at::kCPU, at::kBFloat16);
  vae_.pack();
  const at::Tensor latents = testing::uniform("latents", {1, 4, 40, 24}).to(at::kBFloat16);
  const at::Tensor whole = vae_.decode(latents), banded = vae_.decode_in_bands(latents, GetParam());
  EXPECT_EQ(banded.scalar_type(), at::kBFloat16);
  EXPECT_GT(psnr(banded, whole), 45);
}

INSTANTIATE_TEST_SUITE_P(Wraps, BandedDecoder,
                         ::testing::Values(Wrap{}, Wrap{.x = true}, Wrap{.y = true},
                                           Wrap{.x = true, .y = true}));

TEST(BandRows, AreAFewOfSmallMapsAndASixteenthOfLargeOnes) {
  EXPECT_EQ(band_rows(16), 32);
  EXPECT_EQ(band_rows(512), 32);
  EXPECT_EQ(band_rows(1024), 64);
}

}  // namespace
}  // namespace invokeai::nn
