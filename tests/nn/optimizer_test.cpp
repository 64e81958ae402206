// AdamW and Muon: what a step does to a weight.
#include "nn/optimizer.h"

#include <ATen/ops/linalg_svd.h>
#include <gtest/gtest.h>

#include <memory>

#include "nn/layers.h"

namespace invokeai::nn {
namespace {

constexpr double kRate = 0.01;

/// A linear layer and the gradients that its parameters get.
struct Learner {
  explicit Learner(const OptimizerOptions& options = {})
      : layer(initialised()), optimizer(*layer, options) {}

  static std::unique_ptr<Linear> initialised() {
    auto layer = std::make_unique<Linear>(6, 4);
    initialise(*layer, 1);
    return layer;
  }

  double step(const at::Tensor& weight_gradient, const at::Tensor& bias_gradient) {
    layer->visit_parameters([&](const std::string& name, at::Tensor& p) {
      p.mutable_grad() = (name == "weight" ? weight_gradient : bias_gradient).clone();
    });
    return optimizer.step(kRate);
  }
  at::Tensor weight() const { return optimizer.master().at("weight").clone(); }
  at::Tensor bias() const { return optimizer.master().at("bias").clone(); }

  std::unique_ptr<Linear> layer;
  Optimizer optimizer;
};

OptimizerOptions orthogonal() {
  return {.weight_decay = 0, .orthogonal = [](const std::string&) { return true; }};
}

at::Tensor gradient(int seed) {
  at::manual_seed(seed);
  return at::randn({4, 6}) * 0.01;
}

TEST(Optimizer, AdamsFirstStepHasTheLengthOfTheRate) {
  Learner learner({.weight_decay = 0});
  const at::Tensor before = learner.weight(), slope = gradient(1);
  learner.step(slope, at::zeros({4}));
  EXPECT_TRUE(at::allclose(learner.weight() - before, -kRate * slope.sign(), 1e-3, 1e-6));
}

TEST(Optimizer, GradientsAreScaledToTheirGreatestNorm) {
  Learner learner({.clip_norm = 0.5}), small({.clip_norm = 0.5});
  const at::Tensor slope = gradient(2), zeros = at::zeros({4});
  const double norm = learner.step(slope * 1000, zeros);
  EXPECT_NEAR(norm, 1000 * slope.norm().item<double>(), 1e-2);
  small.step(slope * (0.5 / slope.norm()), zeros);
  EXPECT_TRUE(at::allclose(learner.optimizer.state().at("moment1.weight"),
                           small.optimizer.state().at("moment1.weight")));
}

TEST(Optimizer, StepsWithoutAFiniteNormAreLeftOut) {
  Learner learner(orthogonal());
  const at::Tensor before = learner.weight();
  EXPECT_FALSE(std::isfinite(learner.step(at::full({4, 6}, NAN), at::zeros({4}))));
  EXPECT_TRUE(at::equal(learner.weight(), before));
}

TEST(Optimizer, OrthogonalStepsGoEquallyFarAlongAllDirections) {
  Learner learner(orthogonal());
  const auto [u, s, v] = at::linalg_svd(gradient(3), false);
  // Directions of very different weight, as in a gradient that a few examples dominate.
  const at::Tensor slope = u.mul(at::tensor({1.0f, 0.3f, 0.1f, 0.03f})).mm(v);
  const at::Tensor before = learner.weight();
  learner.step(slope, at::zeros({4}));
  const at::Tensor along =
      u.t().mm(before - learner.weight()).mm(v.t()) / (kRate * 0.2 * std::sqrt(6.0));
  EXPECT_GT(along.diagonal().min().item<double>(), 0.6) << along;
  EXPECT_LT(along.diagonal().max().item<double>(), 1.3) << along;
  EXPECT_LT((along - along.diagonal().diag()).abs().max().item<double>(), 0.1) << along;
}

TEST(Optimizer, VectorsMoveByAdamBesideOrthogonalMatrices) {
  Learner learner(orthogonal());
  const at::Tensor before = learner.bias(), slope = at::tensor({0.1f, -0.2f, 0.3f, -0.4f});
  learner.step(gradient(4), slope);
  EXPECT_TRUE(at::allclose(learner.bias() - before, -kRate * slope.sign(), 1e-3, 1e-6));
}

TEST(Optimizer, GoesOnFromItsStateAsIfItHadNeverStopped) {
  for (const OptimizerOptions& options : {OptimizerOptions{}, orthogonal()}) {
    Learner whole(options), stopped(options);
    const at::Tensor slope = at::ones({4});
    whole.step(gradient(5), slope);
    std::map<std::string, at::Tensor> state;
    for (const auto& [name, tensor] : whole.optimizer.state()) state[name] = tensor.clone();
    ASSERT_TRUE(stopped.optimizer.restore(state));
    whole.step(gradient(6), slope);
    stopped.step(gradient(6), slope);
    for (const auto& [name, tensor] : whole.optimizer.state())
      EXPECT_TRUE(at::equal(tensor, stopped.optimizer.state().at(name))) << name;
    state.erase("moment1.bias");
    EXPECT_FALSE(stopped.optimizer.restore(state));
  }
}

}  // namespace
}  // namespace invokeai::nn
