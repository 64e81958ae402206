#include "nn/products.h"

#include <gtest/gtest.h>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>

#include <ostream>

#include "nn/internal/kernels.h"
#include "nn/layers.h"

namespace invokeai::nn {
namespace {

struct Shape {
  Way way;
  std::int64_t batch, in, out, height, width, padding = 1, stride = 1;

  bool enlarged() const { return way == Way::minimal_enlarged; }
  ConvShape shape() const { return {.stride = stride, .padding = padding}; }
};

void PrintTo(const Shape& s, std::ostream* out) {
  *out << s.batch << "x" << s.in << "x" << s.height << "x" << s.width << " to " << s.out
       << ", padding " << s.padding << ", stride " << s.stride << ", way "
       << static_cast<int>(s.way);
}

/// Weights, an input and what is added, all of f32 and channels-last where they are maps.
struct Problem {
  at::Tensor weight, bias, x;

  explicit Problem(const Shape& s, at::ScalarType type) {
    auto random = at::make_generator<at::CPUGeneratorImpl>(7);
    const auto options = at::TensorOptions().dtype(at::kFloat);
    weight = (at::randn({s.out, s.in, 3, 3}, random, options) / std::sqrt(9.0 * s.in)).to(type);
    bias = at::randn({s.out}, random, options).to(type);
    x = at::randn({s.batch, s.in, s.height, s.width}, random, options)
            .to(type)
            .contiguous(at::MemoryFormat::ChannelsLast);
  }

  /// By libtorch, in f64.
  at::Tensor expected(const ConvShape& shape, bool enlarged) const {
    at::Tensor wide = x.to(at::kDouble);
    if (enlarged) wide = at::upsample_nearest2d(wide, {2 * x.size(2), 2 * x.size(3)});
    return at::conv2d(wide, weight.to(at::kDouble), bias.to(at::kDouble), shape.stride,
                      shape.padding);
  }
};

/// Root of the mean square of the difference, by that of what was expected.
double error(const at::Tensor& got, const at::Tensor& expected) {
  return ((got.to(at::kDouble) - expected).norm() / expected.norm()).item<double>();
}

class Convolution : public ::testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    if (!kernels_available()) GTEST_SKIP() << "this processor has no AVX512-BF16";
  }
};

TEST_P(Convolution, EqualsThePlainConvolution) {
  const Shape& s = GetParam();
  for (const auto& [type, most] : {std::pair{at::kFloat, 2e-6}, {at::kBFloat16, 8e-3}}) {
    const Problem problem(s, type);
    const OwnWeight weight = pack_own_weight(problem.weight, s.way);
    const at::Tensor expected = problem.expected(s.shape(), s.enlarged());
    const at::Tensor got = s.enlarged() ? own_enlarged(problem.x, weight, problem.bias)
                                        : own_conv2d(problem.x, weight, problem.bias, s.shape());
    ASSERT_EQ(got.sizes(), expected.sizes());
    EXPECT_LT(error(got, expected), most) << type;
    if (s.enlarged()) continue;
    const at::Tensor addend = at::ones_like(got);
    EXPECT_LT(error(own_conv2d(problem.x, weight, problem.bias, s.shape(), addend), expected + 1),
              most);
  }
}

TEST_P(Convolution, NeitherThreadsNorRowsBesideChangeABit) {
  const Shape& s = GetParam();
  const Problem problem(s, at::kBFloat16);
  const OwnWeight weight = pack_own_weight(problem.weight, s.way);
  const auto run = [&](const at::Tensor& x) {
    return s.enlarged() ? own_enlarged(x, weight, problem.bias)
                        : own_conv2d(x, weight, problem.bias, s.shape());
  };
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = run(problem.x);
  at::set_num_threads(5);
  EXPECT_TRUE(run(problem.x).equal(one));
  EXPECT_TRUE(run(problem.x.slice(0, 0, 1)).equal(one.slice(0, 0, 1)));
  at::set_num_threads(before);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Convolution,
    ::testing::Values(
        Shape{Way::minimal, 1, 16, 64, 2, 2}, Shape{Way::minimal, 2, 32, 64, 8, 8},
        Shape{Way::minimal, 1, 48, 128, 7, 5}, Shape{Way::minimal, 3, 64, 64, 1, 1},
        Shape{Way::minimal, 1, 64, 64, 9, 12, 0}, Shape{Way::minimal, 2, 320, 320, 33, 20},
        Shape{Way::minimal_compact, 1, 16, 64, 2, 2}, Shape{Way::minimal_compact, 3, 64, 64, 1, 1},
        Shape{Way::minimal_compact, 1, 64, 128, 9, 12, 0},
        Shape{Way::minimal_compact, 2, 1328, 128, 17, 19},
        Shape{Way::minimal_enlarged, 1, 16, 64, 1, 3},
        Shape{Way::minimal_enlarged, 2, 64, 128, 8, 6},
        Shape{Way::minimal_enlarged, 1, 320, 64, 13, 17}, Shape{Way::direct, 1, 16, 64, 1, 1},
        Shape{Way::direct, 2, 6, 64, 9, 7, 1, 2}, Shape{Way::direct, 2, 96, 128, 12, 10, 1, 2},
        Shape{Way::direct, 1, 32, 64, 9, 9, 0, 2}, Shape{Way::direct, 2, 130, 192, 8, 8}));

TEST(Products, WeightsMadeForEnlargedMapsServeOthers) {
  if (!kernels_available()) GTEST_SKIP() << "this processor has no AVX512-BF16";
  const Problem problem({Way::minimal, 1, 64, 64, 9, 7}, at::kFloat);
  const OwnWeight weight = pack_own_weight(problem.weight, Way::minimal_enlarged);
  EXPECT_LT(
      error(own_conv2d(problem.x, weight, problem.bias, {1, 1}), problem.expected({1, 1}, false)),
      2e-6);
}

TEST(Products, TheWrongInputIsNamed) {
  if (!kernels_available()) GTEST_SKIP() << "this processor has no AVX512-BF16";
  const Problem problem({Way::minimal, 1, 32, 64, 4, 4}, at::kFloat);
  const OwnWeight weight = pack_own_weight(problem.weight, Way::minimal);
  EXPECT_THROW(own_conv2d(problem.x.to(at::kBFloat16), weight, problem.bias, {1, 1}), c10::Error);
  EXPECT_THROW(own_conv2d(problem.x.slice(1, 0, 16), weight, problem.bias, {1, 1}), c10::Error);
}

/// A layer as the networks use it: packed and not, at even and odd sizes, wrapped and not.
TEST(Products, ALayerIsTheSamePackedAndNot) {
  const at::NoGradGuard inference;
  for (const bool enlarged : {false, true}) {
    Conv2d plain(32, 64, 3, 1, 1), packed(32, 64, 3, 1, 1);
    for (Conv2d* layer : {&plain, &packed}) {
      initialise(*layer, 3);
      if (enlarged) layer->expect_enlarged();
    }
    packed.pack();
    auto random = at::make_generator<at::CPUGeneratorImpl>(4);
    const at::Tensor x = at::randn({2, 32, 6, 9}, random, at::TensorOptions().dtype(at::kFloat))
                             .contiguous(at::MemoryFormat::ChannelsLast);
    for (const Wrap wrap : {Wrap{}, Wrap{.x = true}, Wrap{.x = true, .y = true}}) {
      plain.set_wrap(wrap), packed.set_wrap(wrap);
      EXPECT_LT(error(packed.forward(x), plain.forward(x).to(at::kDouble)), 2e-6);
      for (const auto& [height, width] : {std::pair{12, 18}, {11, 18}, {12, 17}, {11, 17}})
        EXPECT_LT(error(packed.forward_enlarged(x, height, width),
                        plain.forward_enlarged(x, height, width).to(at::kDouble)),
                  2e-6)
            << height << "x" << width;
    }
  }
}

TEST(Products, ALinearLayerIsTheSamePackedAndNot) {
  const at::NoGradGuard inference;
  for (const bool bias : {false, true})
    for (const std::int64_t in : {2, 96, 770})
      for (const std::int64_t rows : {1, 2, 77, 200}) {
        Linear plain(in, 192, bias), packed(in, 192, bias);
        initialise(plain, 3), initialise(packed, 3);
        packed.pack();
        auto random = at::make_generator<at::CPUGeneratorImpl>(4);
        const auto options = at::TensorOptions().dtype(at::kFloat);
        const at::Tensor x = at::randn({3, rows, in}, random, options);
        const at::Tensor addend = at::randn({3, rows, 192}, random, options);
        EXPECT_LT(error(packed.forward(x), plain.forward(x).to(at::kDouble)), 2e-6);
        EXPECT_LT(
            error(packed.forward_add(x, addend), plain.forward_add(x, addend).to(at::kDouble)),
            2e-6);
      }
}

TEST(Products, AOneByOneConvolutionIsALinearLayer) {
  const at::NoGradGuard inference;
  Conv2d plain(48, 64, 1), packed(48, 64, 1);
  initialise(plain, 3), initialise(packed, 3);
  packed.pack();
  auto random = at::make_generator<at::CPUGeneratorImpl>(4);
  const auto options = at::TensorOptions().dtype(at::kFloat);
  for (const auto layout : {at::MemoryFormat::ChannelsLast, at::MemoryFormat::Contiguous}) {
    const at::Tensor x = at::randn({2, 48, 6, 9}, random, options).contiguous(layout);
    const at::Tensor addend = at::randn({2, 64, 6, 9}, random, options).contiguous(layout);
    EXPECT_LT(error(packed.forward(x), plain.forward(x).to(at::kDouble)), 2e-6);
    EXPECT_LT(error(packed.forward_add(x, addend), plain.forward_add(x, addend).to(at::kDouble)),
              2e-6);
    EXPECT_TRUE(packed.forward(x).is_contiguous(at::MemoryFormat::ChannelsLast));
  }
}

}  // namespace
}  // namespace invokeai::nn
