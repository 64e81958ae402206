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
  // "big" alone makes things as big as they were in training; beyond weight 1 they stay so.
  for (const char* weight : {"0.0", "0.25", "0.5", "1.0"}) {
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

TEST(DemoPrompts, WeightsOfTheOlderBlendAreUsedAsTypedOnRequest) {
  const auto drawn = [](const char* weights, bool as_typed) {
    const std::string words = "a red circle on a white background";
    GenerationRequest request = testing::demo_request(
        fmt::format(fmt::runtime(weights), words, "a blue star on a white background"), 3);
    request.steps = 3;
    request.skip_normalize = as_typed;
    return draw(request).at(0).picture;
  };
  const image::Image divided = drawn("{}:1.2 {}:0.8", false);
  EXPECT_EQ(drawn("{}:0.6 {}:0.4", false), divided);
  EXPECT_EQ(drawn("{}:0.6 {}:0.4", true), divided) << "their sum is 1";
  EXPECT_NE(drawn("{}:1.2 {}:0.8", true), divided);
}

/// Drawn under the guidance that the model recommends.
image::Image lightly(const std::string& prompt, std::uint32_t seed) {
  GenerationRequest request = testing::demo_request(prompt, seed);
  request.cfg_scale = 2.5;
  return draw(request).at(0).picture;
}

/// The middle colour of the object.
testing::Pixel object_color(const image::Image& picture) {
  const std::vector<bool> inside = testing::outline(picture);
  return testing::median_color(picture, [&](int x, int y) {
    return inside[static_cast<std::size_t>(y * picture.width + x)];
  });
}

TEST(DemoPrompts, ABlendOfColoursLiesBetweenThem) {
  const auto green = [](const std::string& prompt) {
    double sum = 0;
    for (const std::uint32_t seed : {1u, 2u}) sum += object_color(lightly(prompt, seed))[1];
    return sum / 2;
  };
  const double red = green("a red circle on a white background");
  const double yellow = green("a yellow circle on a white background");
  const double both = green(
      R"(("a red circle on a white background", "a yellow circle on a white background").blend(1, 1))");
  fmt::print("green in red, the blend and yellow: {:.0f} {:.0f} {:.0f}\n", red, both, yellow);
  EXPECT_GT(both, red + 20);
  EXPECT_LT(both, yellow - 20);
}

/// What two outlines share, of all they cover: 1 where they are the same.
double overlap(const std::vector<bool>& a, const std::vector<bool>& b) {
  int shared = 0, covered = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    shared += a[i] && b[i] ? 1 : 0;
    covered += a[i] || b[i] ? 1 : 0;
  }
  return covered == 0 ? 0 : double(shared) / covered;
}

TEST(DemoPrompts, ASwapKeepsTheLayoutAndChangesTheObject) {
  for (const std::uint32_t seed : {1u, 2u}) {
    const image::Image star = lightly("a red star on a white background", seed);
    const image::Image blue = lightly("a red.swap(blue) star on a white background", seed);
    const image::Image heart = lightly("a red star.swap(heart) on a white background", seed);
    const double kept = overlap(testing::outline(star), testing::outline(blue));
    const double shape = overlap(testing::outline(star), testing::outline(heart));
    fmt::print("seed {}: outlines share {:.2f} with another colour, {:.2f} with another shape\n", seed,
               kept, shape);
    EXPECT_GT(kept, 0.8) << "the star stays where it is";
    EXPECT_GT(testing::distance(object_color(star), object_color(blue)), 100);
    EXPECT_GT(shape, 0.3) << "the heart stands where the star stood";
    EXPECT_LT(shape, 0.75) << "and is no star";
    EXPECT_GT(object_color(heart)[0], object_color(heart)[2] + 60) << "it is red as before";
  }
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
