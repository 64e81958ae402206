// Our own CPU kernels and packed weights against libtorch's plain operations in f32, over shapes
// that are no multiple of any block. On processors without the instructions the same functions fall
// back to libtorch, and the tests hold all the same.

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "nn/formula_weights.h"
#include "nn/internal/attention_paths.h"
#include "nn/layers.h"

namespace invokeai::nn {
namespace {

at::Tensor normal(at::IntArrayRef shape, std::uint64_t seed, at::ScalarType type = at::kBFloat16) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::randn(shape, generator, at::TensorOptions().dtype(at::kFloat)).to(type);
}

double largest_gap(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kFloat) - b.to(at::kFloat)).abs().max().item<double>();
}

struct Shape {
  std::int64_t batch, queries, keys, heads, width;
};

void PrintTo(const Shape& s, std::ostream* out) {
  *out << s.batch << "x" << s.queries << "x" << s.keys << "x" << s.heads << "x" << s.width;
}

class AttentionKernel : public ::testing::TestWithParam<Shape> {};

TEST_P(AttentionKernel, EqualsThePlainProducts) {
  const at::NoGradGuard no_grad;
  const Shape s = GetParam();
  // One tensor holds all three when the tokens are the same, as after a fused projection.
  const bool fused = s.queries == s.keys;
  const std::int64_t inner = s.heads * s.width;
  const auto all = normal({s.batch, s.queries, 3 * inner}, 4).chunk(3, 2);
  const at::Tensor q = fused ? all[0] : normal({s.batch, s.queries, inner}, 1),
                   k = fused ? all[1] : normal({s.batch, s.keys, inner}, 2),
                   v = fused ? all[2] : normal({s.batch, s.keys, inner}, 3);
  const auto split = [&](const at::Tensor& x) {
    return x.to(at::kFloat).contiguous().view({s.batch, x.size(1), s.heads, s.width}).transpose(1, 2);
  };
  const at::Tensor scores = at::matmul(split(q), split(k).transpose(2, 3)) / std::sqrt(double(s.width));
  const at::Tensor expected =
      at::matmul(scores.softmax(-1), split(v)).transpose(1, 2).reshape(q.sizes());
  for (const AttentionPath path : attention_paths()) {
    SCOPED_TRACE(static_cast<int>(path));
    const at::Tensor got = attention_by(path, q, k, v, s.heads);
    ASSERT_EQ(got.sizes(), expected.sizes());
    // bfloat16 holds 8 bits: a step is 2^-8 of the value; the largest values here are about 4.
    EXPECT_LT(largest_gap(got, expected), 0.02);
    EXPECT_LT((got.to(at::kFloat) - expected).square().mean().sqrt().item<double>(), 0.003);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionKernel,
                         ::testing::Values(Shape{1, 1, 1, 1, 2}, Shape{2, 7, 5, 3, 8},
                                           Shape{1, 49, 129, 2, 40}, Shape{2, 100, 77, 8, 40},
                                           Shape{2, 81, 81, 3, 40}, Shape{1, 65, 300, 2, 64},
                                           Shape{1, 161, 161, 2, 64}, Shape{2, 48, 128, 5, 80},
                                           Shape{1, 63, 77, 8, 160}, Shape{1, 33, 257, 1, 512},
                                           Shape{1, 290, 290, 1, 512}, Shape{8, 17, 31, 2, 24},
                                           Shape{1, 97, 96, 2, 100}, Shape{1, 40, 259, 1, 34}));

/// The first key of each block of 128 scores far above all before it.
TEST(AttentionKernels, FollowAMaximumThatRises) {
  const at::NoGradGuard no_grad;
  const at::Tensor q = at::ones({1, 37, 32}, at::kBFloat16), v = normal({1, 520, 32}, 3);
  at::Tensor k = normal({1, 520, 32}, 2) / 4;
  for (std::int64_t t = 0; t < 520; t += 128) k[0][t] += static_cast<double>(t) / 256;
  const at::Tensor wide = k.to(at::kFloat);
  const at::Tensor weights =
      (at::matmul(q.to(at::kFloat), wide.transpose(1, 2)) / std::sqrt(32.0)).softmax(-1);
  const at::Tensor expected = at::matmul(weights, v.to(at::kFloat));
  for (const AttentionPath path : attention_paths())
    EXPECT_LT(largest_gap(attention_by(path, q, k, v, 1), expected), 0.02) << static_cast<int>(path);
}

TEST(AttentionKernels, LargeScoresStayFinite) {
  const at::NoGradGuard no_grad;
  const at::Tensor q = normal({1, 50, 40}, 1) * 200, k = normal({1, 150, 40}, 2) * 200,
                   v = normal({1, 150, 40}, 3);
  for (const AttentionPath path : attention_paths())
    EXPECT_TRUE(at::isfinite(attention_by(path, q, k, v, 1)).all().item<bool>());
}

TEST(AttentionKernels, ThreadsDoNotChangeTheResult) {
  const at::NoGradGuard no_grad;
  const at::Tensor q = normal({2, 300, 80}, 1), k = normal({2, 200, 80}, 2), v = normal({2, 200, 80}, 3);
  const int before = at::get_num_threads();
  for (const AttentionPath path : attention_paths()) {
    at::set_num_threads(1);
    const at::Tensor one = attention_by(path, q, k, v, 2);
    at::set_num_threads(3);
    const at::Tensor three = attention_by(path, q, k, v, 2);
    EXPECT_TRUE(at::equal(one, three)) << static_cast<int>(path);
  }
  at::set_num_threads(before);
}

/// Layers with formula weights in one type.
template <class Layer>
void fill(Layer& layer, at::ScalarType type) {
  testing::fill_by_formula(layer);
  convert(layer, at::kCPU, type);
}

TEST(GroupNormKernel, EqualsLibtorchWithShiftAndSilu) {
  const at::NoGradGuard no_grad;
  for (const auto type : {at::kFloat, at::kBFloat16})
    for (const std::int64_t channels : {8, 40, 320}) {
      GroupNorm norm(8, channels, 1e-5), exact(8, channels, 1e-5);
      fill(norm, type);
      fill(exact, at::kFloat);
      const at::Tensor x = normal({2, channels, 9, 15}, 4, type).contiguous(at::MemoryFormat::ChannelsLast) + 1;
      const at::Tensor shift = normal({2, channels}, 5, type);
      const double bar = type == at::kFloat ? 2e-5 : 0.05;
      const at::Tensor wide = x.to(at::kFloat).contiguous();
      EXPECT_LT(largest_gap(norm.forward(x), exact.forward(wide)), bar) << channels;
      EXPECT_LT(largest_gap(norm.forward_silu(x, shift), exact.forward_silu(wide, shift.to(at::kFloat))), bar);
    }
}

/// The gradients of sum(y * direction) by x, shift (where there is one), weight and bias, in f32.
std::vector<at::Tensor> norm_gradients(GroupNorm& norm, at::Tensor x, at::Tensor shift,
                                       const at::Tensor& direction, bool silu) {
  std::vector<at::Tensor> learning = {x, shift};
  norm.visit_parameters([&](const std::string&, at::Tensor& p) { learning.push_back(p); });
  for (at::Tensor& p : learning)
    if (p.defined()) p.mutable_grad() = at::Tensor(), p.set_requires_grad(true);
  const at::Tensor y = silu ? norm.forward_silu(x, shift) : norm.forward(x);
  (y.to(at::kFloat) * direction).sum().backward();
  std::vector<at::Tensor> out;
  for (const at::Tensor& p : learning)
    if (p.defined()) out.push_back(p.grad().to(at::kFloat));
  return out;
}

TEST(GroupNormKernel, GradientsEqualLibtorch) {
  for (const auto type : {at::kFloat, at::kBFloat16})
    for (const std::int64_t channels : {8, 40, 320})
      for (const int way : {0, 1, 2}) {  // alone, with SiLU, with a shift besides
        SCOPED_TRACE(std::to_string(channels) + " channels, way " + std::to_string(way));
        GroupNorm norm(8, channels, 1e-5), exact(8, channels, 1e-5);
        fill(norm, type);
        fill(exact, at::kFloat);
        const auto layout = at::MemoryFormat::ChannelsLast;
        const at::Tensor x = (normal({2, channels, 9, 15}, 4, type) * 2 + 1).contiguous(layout);
        const at::Tensor shift = way == 2 ? normal({2, channels}, 5, type) : at::Tensor();
        const at::Tensor direction = normal({2, channels, 9, 15}, 6, type).to(at::kFloat);
        const auto got = norm_gradients(norm, x.clone(), shift, direction, way > 0);
        const at::Tensor wide_shift = way == 2 ? shift.detach().to(at::kFloat) : shift;
        // Not channels last, so that libtorch's own operations run.
        const auto expected =
            norm_gradients(exact, x.to(at::kFloat).contiguous(), wide_shift, direction, way > 0);
        ASSERT_EQ(got.size(), expected.size());
        ASSERT_EQ(got.size(), way == 2 ? 4U : 3U);
        for (std::size_t i = 0; i < got.size(); ++i) {
          const double spread = std::max(expected[i].abs().max().item<double>(), 1.0);
          EXPECT_LT(largest_gap(got[i], expected[i]) / spread, type == at::kFloat ? 1e-5 : 0.02)
              << i;
        }
      }
}

TEST(GroupNormKernel, MapsThatDoNotLearnCanBeNormedByWeightsThatDo) {
  GroupNorm norm(8, 16, 1e-5);
  fill(norm, at::kBFloat16);
  const at::Tensor x = normal({1, 16, 4, 4}, 4).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor before = x.clone();
  norm.visit_parameters([](const std::string&, at::Tensor& p) { p.set_requires_grad(true); });
  norm.forward_silu(at::Tensor(x)).sum().backward();
  norm.visit_parameters(
      [](const std::string& name, at::Tensor& p) { EXPECT_TRUE(p.grad().defined()) << name; });
  EXPECT_FALSE(x.grad().defined());
  EXPECT_TRUE(x.equal(before));
}

TEST(GegluKernel, EqualsLibtorch) {
  const at::NoGradGuard no_grad;
  for (const std::int64_t width : {1, 16, 37, 640}) {
    const at::Tensor x = normal({3, 5, 2 * width}, 6, at::kFloat) * 3;
    const auto halves = x.chunk(2, -1);
    EXPECT_LT(largest_gap(geglu(x), halves[0] * at::gelu(halves[1])), 2e-5) << width;
    const at::Tensor half = x.to(at::kBFloat16);
    EXPECT_LT(largest_gap(geglu(half), geglu(half.to(at::kFloat))), 0.15) << width;  // values up to 40
  }
}

TEST(PackedWeights, GiveTheSameResultsAndStay) {
  const at::NoGradGuard no_grad;
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const double bar = type == at::kFloat ? 1e-4 : 0.05;
    Linear linear(96, 40);
    fill(linear, type);
    const at::Tensor x = normal({2, 50, 96}, 7, type), addend = normal({2, 50, 40}, 8, type);
    const at::Tensor plain = linear.forward(x), added = linear.forward_add(x, addend);
    linear.pack();
    EXPECT_LT(largest_gap(linear.forward(x), plain), bar);
    EXPECT_LT(largest_gap(linear.forward_add(x, addend), added), bar);
    EXPECT_THROW(convert(linear, at::kCPU, at::kFloat), c10::Error);

    for (const std::int64_t stride : {1, 2}) {
      Conv2d conv(48, 60, 3, stride, 1);  // oneDNN takes it: 60 is no multiple of 64
      fill(conv, type);
      const at::Tensor map = normal({2, 48, 9, 12}, 9, type).contiguous(at::MemoryFormat::ChannelsLast);
      const at::Tensor before = conv.forward(map);
      const at::Tensor more = normal(before.sizes(), 10, type).contiguous(at::MemoryFormat::ChannelsLast);
      const at::Tensor sum = conv.forward_add(map, more);
      conv.pack();
      EXPECT_LT(largest_gap(conv.forward(map), before), bar) << stride;
      EXPECT_LT(largest_gap(conv.forward_add(map, more), sum), bar) << stride;
      EXPECT_TRUE(conv.forward(map).is_contiguous(at::MemoryFormat::ChannelsLast));
    }
  }
}

}  // namespace
}  // namespace invokeai::nn
