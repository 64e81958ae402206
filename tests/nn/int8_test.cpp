// Products of 8-bit numbers against the same products in f32, over shapes that are no multiple of any
// block. On processors without the instructions the same functions fall back to libtorch.

#include "nn/int8.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <array>

#include "nn/formula_weights.h"
#include "nn/layers.h"
#include "nn/unet.h"

namespace invokeai::nn {
namespace {

at::Tensor normal(at::IntArrayRef shape, std::uint64_t seed, at::ScalarType type) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::randn(shape, generator, at::TensorOptions().dtype(at::kFloat)).to(type);
}

/// Root of the mean square of the difference, as a share of the values themselves.
double off(const at::Tensor& got, const at::Tensor& wanted) {
  const at::Tensor a = got.to(at::kFloat), b = wanted.to(at::kFloat);
  return ((a - b).norm() / b.norm()).item<double>();
}

class Int8 : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  void SetUp() override {
    if (!can_quantize(at::zeros({2, 2}))) GTEST_SKIP() << "libtorch without oneDNN";
  }
  const at::NoGradGuard no_grad_;
};

/// Weights and activations are off by a two-hundredth of their largest value each, at most.
constexpr double kBar = 0.02;

TEST_P(Int8, RowsKeepTheirScale) {
  for (const std::int64_t width : {1, 7, 16, 100, 320}) {
    at::Tensor x = normal({3, 5, width}, 1, GetParam());
    x[1][2].zero_();
    x[2][4].mul_(1000);  // a token far above the others must not drown them
    const Int8Rows rows = quantize_rows(x);
    ASSERT_EQ(rows.values.sizes(), x.sizes());
    ASSERT_EQ(rows.scales.numel(), 15);
    const at::Tensor back =
        (rows.values.to(at::kFloat) - 128) * rows.scales.reshape({3, 5, 1});
    const at::Tensor most = x.to(at::kFloat).abs().amax(-1, true);
    EXPECT_TRUE(((back - x.to(at::kFloat)).abs() <= most * 0.00395 + 1e-30).all().item<bool>()) << width;
  }
}

TEST_P(Int8, LinearEqualsTheProductOfFloats) {
  using Shapes = std::vector<std::array<std::int64_t, 3>>;
  for (const auto& [rows, in, out] :
       Shapes{{1, 16, 16}, {5, 40, 24}, {77, 96, 40}, {154, 320, 1280}, {33, 1280, 320}}) {
    for (const bool bias : {false, true}) {
      Linear linear(in, out, bias);
      testing::fill_by_formula(linear);
      const at::Tensor x = normal({1, rows, in}, 2, GetParam());
      const at::Tensor more = normal({1, rows, out}, 3, GetParam());
      const at::Tensor wanted = linear.forward(x.to(at::kFloat));
      convert(linear, at::kCPU, GetParam());
      linear.pack(WeightForm::int8);
      const at::Tensor got = linear.forward(x);
      EXPECT_EQ(got.scalar_type(), GetParam());
      EXPECT_LT(off(got, wanted), kBar) << rows << "x" << in << "x" << out;
      EXPECT_LT(off(linear.forward_add(x, more), wanted + more.to(at::kFloat)), kBar);
    }
  }
}

TEST_P(Int8, GegluIsRoundedOnItsWay) {
  for (const std::int64_t width : {16, 37, 320}) {
    Linear in(40, 2 * width), out(width, 40);
    testing::fill_by_formula(in);
    testing::fill_by_formula(out);
    const at::Tensor x = normal({2, 9, 40}, 4, GetParam()) * 2, more = normal({2, 9, 40}, 5, GetParam());
    const at::Tensor wanted =
        out.forward(geglu(in.forward(x.to(at::kFloat)))) + more.to(at::kFloat);
    for (Linear* each : {&in, &out}) {
      convert(*each, at::kCPU, GetParam());
      each->pack(WeightForm::int8);
    }
    EXPECT_LT(off(out.forward_add(in.forward_geglu(x, out), more), wanted), kBar) << width;
  }
}

TEST_P(Int8, ConvolutionEqualsThatOfFloats) {
  using Shapes = std::vector<std::array<std::int64_t, 4>>;
  for (const auto& [in, out, kernel, stride] :
       Shapes{{16, 16, 3, 1}, {48, 64, 3, 2}, {20, 36, 1, 1}, {320, 40, 3, 1}}) {
    Conv2d conv(in, out, kernel, stride, kernel / 2);
    testing::fill_by_formula(conv);
    // As after SiLU: hardly anything below 0, and a padding that must stay 0.
    const at::Tensor x =
        at::silu(normal({2, in, 9, 13}, 6, GetParam()) * 2).contiguous(at::MemoryFormat::ChannelsLast);
    const at::Tensor wanted = conv.forward(x.to(at::kFloat));
    const at::Tensor more = normal(wanted.sizes(), 7, GetParam()).contiguous(at::MemoryFormat::ChannelsLast);
    convert(conv, at::kCPU, GetParam());
    conv.pack(WeightForm::int8);
    const at::Tensor got = conv.forward(x);
    EXPECT_TRUE(got.is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_LT(off(got, wanted), kBar) << in << "->" << out << " k" << kernel << " s" << stride;
    EXPECT_LT(off(conv.forward_add(x, more), wanted + more.to(at::kFloat)), kBar);
    conv.set_wrap({.x = true, .y = false});
    EXPECT_TRUE(at::isfinite(conv.forward(x)).all().item<bool>());
  }
}

TEST_P(Int8, ThreadsDoNotChangeTheResult) {
  Linear in(96, 256), out(128, 96);
  Conv2d conv(48, 64, 3, 1, 1);
  for (Module* each : std::initializer_list<Module*>{&in, &out, &conv}) {
    testing::fill_by_formula(*each);
    convert(*each, at::kCPU, GetParam());
    each->pack(WeightForm::int8);
  }
  const at::Tensor x = normal({2, 301, 96}, 8, GetParam());
  const at::Tensor map = normal({2, 48, 33, 17}, 9, GetParam()).contiguous(at::MemoryFormat::ChannelsLast);
  const int before = at::get_num_threads();
  std::vector<at::Tensor> tokens, maps;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    tokens.push_back(out.forward_add(in.forward_geglu(x, out), x));
    maps.push_back(conv.forward(map));
  }
  at::set_num_threads(before);
  for (const int i : {1, 2}) {
    EXPECT_TRUE(at::equal(tokens[0], tokens[i]));
    EXPECT_TRUE(at::equal(maps[0], maps[i]));
  }
}

TEST_P(Int8, AWholeUNetStaysNearItself) {
  UNetConfig config;
  config.block_channels = {32, 64, 96, 96};
  config.cross_attention_dim = 48;
  config.heads = {2, 2, 2, 2};
  UNet unet(config);
  testing::fill_by_formula(unet);
  const at::Tensor sample = normal({2, 4, 17, 24}, 10, at::kFloat);
  const at::Tensor context = normal({2, 77, 48}, 11, at::kFloat), times = at::full({2}, 481.0f);
  const at::Tensor wanted = unet.forward(sample, times, context);
  convert(unet, at::kCPU, GetParam());
  unet.pack(WeightForm::int8);
  const at::Tensor got = unet.forward(sample.to(GetParam()), times, context.to(GetParam()));
  EXPECT_LT(off(got, wanted), 0.1);
}

INSTANTIATE_TEST_SUITE_P(Types, Int8, ::testing::Values(at::kFloat, at::kBFloat16));

}  // namespace
}  // namespace invokeai::nn
