// What the prompt language does to pictures, measured on the demo model: means over several seeds.

#include <gtest/gtest.h>

#include "pipeline/demo_model.h"

namespace invokeai::pipeline {
namespace {

using testing::draw;

constexpr std::uint32_t kSeeds = 4;

template <class Measure>
double mean_over_seeds(Measure measure) {
  double sum = 0;
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) sum += measure(seed);
  return sum / kSeeds;
}

double covered(const std::string& prompt, std::uint32_t seed,
               const std::string& dialect = "invoke") {
  GenerationRequest request = testing::demo_request(prompt, seed);
  request.prompt_dialect = dialect;
  return testing::covered(testing::outline(draw(request).at(0).picture));
}

TEST(DemoPrompts, TheObjectGrowsWithTheWeightOfBig) {
  double last = 0;
  for (const char* weight : {"0.0", "0.5", "1.0", "2.0"}) {
    const std::string prompt = fmt::format("a (big){} circle on a white background", weight);
    const double mean = mean_over_seeds([&](std::uint32_t seed) { return covered(prompt, seed); });
    fmt::print("weight {}: {:.3f} of the picture covered\n", weight, mean);
    EXPECT_GT(mean, last + 0.01) << weight;
    last = mean;
  }
}

TEST(DemoPrompts, ABlendOfSizesLiesBetweenThem) {
  std::vector<double> means;
  for (const char* factors : {"1, 0", "0.5, 0.5", "0, 1"}) {
    const std::string prompt = fmt::format(
        R"(("{0} big {1}", "{0} small {1}").blend({2}))", "a", "circle on a white background",
        factors);
    means.push_back(mean_over_seeds([&](std::uint32_t seed) { return covered(prompt, seed); }));
    fmt::print("blend {}: {:.3f} of the picture covered\n", factors, means.back());
  }
  EXPECT_LT(means[1], means[0] - 0.02);
  EXPECT_GT(means[1], means[2] + 0.02);
}

}  // namespace
}  // namespace invokeai::pipeline
