// What helps a UNet along changes nothing in what it says: keys of a prompt kept, weights that come and
// go, fewer threads. Deep features do change it, a little.

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "nn/formula_weights.h"
#include "nn/threads.h"
#include "nn/unet.h"

namespace invokeai::nn {
namespace {

at::Tensor normal(at::IntArrayRef shape, std::uint64_t seed, at::ScalarType type) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::randn(shape, generator, at::TensorOptions().dtype(at::kFloat)).to(type);
}

UNetConfig narrow() {
  UNetConfig config;
  config.block_channels = {32, 64, 96, 96};
  config.cross_attention_dim = 48;
  config.heads = {2, 2, 2, 2};
  return config;
}

void fill(Module& network) {
  testing::fill_by_formula(network);
  convert(network, at::kCPU, at::kBFloat16);
  network.pack();
}

/// Formula weights on demand.
class FormulaSource : public WeightSource {
 public:
  explicit FormulaSource(Module& network) {
    network.visit_named_modules(
        [this](const std::string& name, Module& node) { names_[&node] = name; });
  }
  void bring(Module& node) override {
    node.visit_parameters(
        [](const std::string& name, at::Tensor& p) {
          ASSERT_TRUE(is_shape(p)) << name << " is there already";
          p = testing::formula_weight(name, p.sizes()).to(at::kBFloat16);
        },
        names_.at(&node) + ".");
    node.pack();
    most = std::max(most, ++brought);
  }
  void drop(Module& node) override {
    node.drop();
    --brought;
  }
  int brought = 0, most = 0;

 private:
  std::map<const Module*, std::string> names_;
};

class UNetHelpTest : public ::testing::Test {
 protected:
  void SetUp() override { fill(unet_); }
  at::Tensor forward(const UNetHelp& help = {}) const {
    return unet_.forward(sample_, at::full({2}, 481.0f), context_, help);
  }
  const at::NoGradGuard no_grad_;
  UNet unet_{narrow()};
  at::Tensor sample_ = normal({2, 4, 24, 16}, 1, at::kBFloat16);
  at::Tensor context_ = normal({2, 77, 48}, 2, at::kBFloat16);
};

TEST_F(UNetHelpTest, KeptKeysChangeNoBit) {
  const at::Tensor wanted = forward();
  ContextKeys keys;
  EXPECT_TRUE(at::equal(forward({.keys = &keys}), wanted)) << "filling them";
  EXPECT_EQ(keys.layers.size(), 16u);
  const at::Tensor context = std::exchange(context_, at::zeros_like(context_));
  EXPECT_TRUE(at::equal(forward({.keys = &keys}), wanted)) << "the context is not looked at again";
}

TEST_F(UNetHelpTest, StreamedBlocksChangeNoBit) {
  const at::Tensor wanted = forward();
  FormulaSource source(unet_);
  std::vector<Module*> some = unet_.blocks();
  ASSERT_EQ(some.size(), 44u);
  std::erase_if(some, [i = 0](Module*) mutable { return i++ % 3 == 0; });
  for (Module* node : some) node->drop();
  unet_.stream(some, source);
  for (int again = 0; again < 2; ++again) EXPECT_TRUE(at::equal(forward(), wanted));
  EXPECT_EQ(source.brought, 0) << "all are gone again";
  EXPECT_EQ(source.most, 1) << "one at a time";
}

TEST_F(UNetHelpTest, DeepFeaturesAreTakenInsteadOfMade) {
  const at::Tensor wanted = forward();
  DeepFeatures deep;
  EXPECT_TRUE(at::equal(forward({.deep = &deep}), wanted)) << "making them";
  ASSERT_TRUE(deep.map.defined());
  deep.reuse = true;
  EXPECT_TRUE(at::equal(forward({.deep = &deep}), wanted)) << "the same input, the same features";
  sample_ = sample_ + 0.02 * normal(sample_.sizes(), 3, at::kBFloat16);
  const at::Tensor exact = forward().to(at::kFloat), near = forward({.deep = &deep}).to(at::kFloat);
  const double gap = ((near - exact).norm() / exact.norm()).item<double>();
  EXPECT_GT(gap, 0) << "nothing was reused";
  EXPECT_LT(gap, 0.1);
}

TEST_F(UNetHelpTest, SteadyThreadsGiveTheSameBitsOnAnyNumber) {
  const int before = at::get_num_threads();
  // Large enough that libtorch cuts element-wise work, too.
  const at::Tensor x = normal({100003}, 4, at::kFloat);
  std::vector<at::Tensor> outputs, sums;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    {
      const SteadyThreads steady;
      EXPECT_EQ(at::get_num_threads(), 1);
      {
        const AllThreads all;
        EXPECT_EQ(at::get_num_threads(), threads);
      }
      EXPECT_EQ(at::get_num_threads(), 1);
      outputs.push_back(forward());
      sums.push_back(x.sigmoid().mean());
    }
    EXPECT_EQ(at::get_num_threads(), threads);
  }
  at::set_num_threads(before);
  for (const int i : {1, 2}) {
    EXPECT_TRUE(at::equal(outputs[0], outputs[i]));
    EXPECT_TRUE(at::equal(sums[0], sums[i]));
  }
}

}  // namespace
}  // namespace invokeai::nn
