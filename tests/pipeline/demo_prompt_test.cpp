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

// Every map of the edited pass comes from the original, and the words are the same.
TEST(DemoPrompts, SwappingAWordForItselfChangesNothing) {
  const image::Image plain = draw("a circle on a white background", 1);
  const image::Image same =
      draw("a circle.swap(circle, s_end=1.0, t_start=0.0) on a white background", 1);
  const image::Image other =
      draw("a circle.swap(star, s_end=1.0, t_start=0.0) on a white background", 1);
  const auto largest = [&](const image::Image& picture) {
    int off = 0;
    for (std::size_t i = 0; i < plain.pixels.size(); ++i)
      off = std::max(off, std::abs(int(plain.pixels[i]) - int(picture.pixels[i])));
    return off;
  };
  EXPECT_LE(largest(same), 2);
  EXPECT_GT(largest(other), 20);
}

TEST(DemoPrompts, SymmetryAndThresholdReachThePicture) {
  GenerationRequest request =
      testing::demo_request("a small red star at the left on a white background", 1);
  request.h_symmetry_time_pct = 1;
  const image::Image mirrored = draw(request).at(0).picture;
  double off = 0;
  for (int y = 0; y < mirrored.height; ++y)
    for (int x = 0; x < mirrored.width; ++x)
      off += testing::distance(testing::pixel(mirrored, x, y),
                               testing::pixel(mirrored, mirrored.width - 1 - x, y));
  EXPECT_LT(off / (mirrored.width * mirrored.height), 25);

  request.h_symmetry_time_pct = 0;
  const image::Image plain = draw(request).at(0).picture;
  request.threshold = 100;
  EXPECT_EQ(draw(request).at(0).picture, plain);  // never reached
  request.threshold = 2;
  EXPECT_NE(draw(request).at(0).picture, plain);
}

}  // namespace
}  // namespace invokeai::pipeline
