#include "pipeline/latent_rules.h"

#include <gtest/gtest.h>

namespace invokeai::pipeline {
namespace {

sampling::CompletedStep after(int step, int steps, double sigma = 0) {
  return {.step = step, .steps = steps, .next = {1, sigma}};
}

at::Tensor noise(std::uint64_t seed, double scale = 1) {
  return sampling::NoiseStream(seed).normal({1, 4, 6, 5}) * scale;
}

TEST(LatentRules, OffChangesNothing) {
  LatentRules rules({}, {1});
  const at::Tensor x = noise(1, 50);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(rules.apply(x, after(i, 10)).is_same(x));
}

TEST(LatentRules, TheLimitFallsDuringTheFirstFifth) {
  // i/n:       0   0.05  0.1  0.15  0.2 .. end
  const std::vector<double> factor{6, 4.75, 3.5, 2.25, 1, 1};
  for (std::size_t i = 0; i < factor.size(); ++i) {
    const double limit = 2 * factor[i];
    at::Tensor x = at::zeros({1, 4, 6, 5});
    x[0][0][0][0] = limit * 0.999;
    x[0][0][0][1] = -limit * 0.999;
    LatentRules rules({.threshold = 2}, {1});
    EXPECT_TRUE(at::equal(rules.apply(x, after(int(i), 20)), x)) << i;
    x[0][0][0][0] = limit * 1.001;
    const at::Tensor y = rules.apply(x, after(int(i), 20));
    const double cut = y[0][0][0][0].item<double>();
    EXPECT_GE(cut, 0) << i;
    EXPECT_LT(cut, std::min(limit, std::max(1.0, 0.7 * limit * 1.001))) << i;
    EXPECT_TRUE(at::equal(y.flatten().slice(0, 1), x.flatten().slice(0, 1))) << i;
  }
}

TEST(LatentRules, AllAboveSevenTenthsOfTheLargestIsReplaced) {
  LatentRules rules({.threshold = 3}, {1});
  at::Tensor x = at::zeros({1, 1, 1, 4});
  x.flatten()[0] = 4.0;   // bound: 2.8
  x.flatten()[1] = 2.9;   // below the limit, above the bound
  x.flatten()[2] = 2.7;
  x.flatten()[3] = -2.9;  // the other side stays: its extreme is within the limit
  const at::Tensor y = rules.apply(x, after(15, 20)).flatten();
  for (int i = 0; i < 2; ++i) {
    EXPECT_GE(y[i].item<double>(), 0);
    EXPECT_LT(y[i].item<double>(), 2.8);
  }
  EXPECT_FLOAT_EQ(y[2].item<float>(), 2.7f);
  EXPECT_FLOAT_EQ(y[3].item<float>(), -2.9f);
  EXPECT_NE(y[0].item<float>(), y[1].item<float>());
}

TEST(LatentRules, TheLimitMeansTheSameAtEveryNoiseLevel) {
  const at::Tensor x = noise(2, 2);
  for (const double sigma : {0.5, 14.6}) {
    LatentRules clean({.threshold = 1.5}, {7}), noisy({.threshold = 1.5}, {7});
    const double scale = std::hypot(1.0, sigma);
    const at::Tensor a = clean.apply(x, after(15, 20));
    const at::Tensor b = noisy.apply(x * scale, after(15, 20, sigma)) / scale;
    EXPECT_FALSE(at::equal(a, x));
    EXPECT_LT((a - b).abs().max().item<double>(), 1e-5) << sigma;
  }
}

TEST(LatentRules, APictureIsLimitedTheSameAloneOrInABatch) {
  const LatentRuleOptions options{.threshold = 1.2};
  LatentRules both(options, {5, 6}), second(options, {6});
  const at::Tensor a = noise(3, 2), b = noise(4, 3);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(at::equal(both.apply(at::cat({a, b}), after(10 + i, 20)).slice(0, 1),
                          second.apply(b, after(10 + i, 20))));
}

TEST(LatentRules, MirrorsOnceAtItsShareOfTheRun) {
  const at::Tensor x = noise(5);
  struct Row {
    double share;
    int fires;  // after this step of ten
  };
  for (const Row& row : {Row{0.01, 1}, {0.1, 1}, {0.15, 2}, {0.5, 5}, {0.9, 9}, {1.0, 9}}) {
    LatentRules rules({.h_symmetry = row.share}, {1});
    for (int i = 0; i < 10; ++i) {
      const at::Tensor y = rules.apply(x, after(i, 10));
      EXPECT_EQ(!at::equal(y, x), i == row.fires) << row.share << " " << i;
    }
  }
}

TEST(LatentRules, LeftAndUpperHalvesWin) {
  const at::Tensor x = noise(6);  // 6 rows, 5 columns
  LatentRules across({.h_symmetry = 1}, {1}), down({.v_symmetry = 1}, {1});
  const at::Tensor h = across.apply(x, after(9, 10)), v = down.apply(x, after(9, 10));
  EXPECT_TRUE(at::equal(h, h.flip({3})));
  EXPECT_TRUE(at::equal(h.slice(3, 0, 3), x.slice(3, 0, 3)));  // with the middle column
  EXPECT_TRUE(at::equal(v, v.flip({2})));
  EXPECT_TRUE(at::equal(v.slice(2, 0, 3), x.slice(2, 0, 3)));
}

}  // namespace
}  // namespace invokeai::pipeline
