// Starting from a picture: layout, colours, sizes, steps and repeatability, on the bundled model.
#include "pipeline/demo.h"

#include "image/resize.h"

namespace invokeai::pipeline {
namespace {

TEST(ImageToImage, KeepsTheLayoutAndChangesTheColour) {
  const drawer::Measured before = drawer::measure(red_circle());
  ASSERT_EQ(drawer::name(before.object), "red");
  GenerationRequest request =
      request_on(red_circle(), "a blue circle at the left on a white background", 0.7);
  const drawer::Measured after = drawer::measure(draw_one(request));
  EXPECT_EQ(drawer::name(after.object), "blue");
  EXPECT_EQ(drawer::name(after.background), "white");
  EXPECT_NEAR(after.cx, before.cx, 0.08);
  EXPECT_NEAR(after.cy, before.cy, 0.08);
  EXPECT_NEAR(after.extent, before.extent, 0.12);
}

TEST(ImageToImage, DistanceGrowsWithStrength) {
  double last = 0;
  for (const double strength : {0.1, 0.4, 0.9}) {
    const double now = distance(
        draw_one(request_on(red_circle(), "a green square on a black background", strength)),
        red_circle());
    EXPECT_GT(now, last) << strength;
    last = now;
  }
}

TEST(ImageToImage, TellsTheTrueNumberOfSteps) {
  struct Case {
    const char* sampler;
    double strength;
    int steps;  // of 10
  };
  for (const Case& each : {Case{"k_euler", 0.5, 5}, Case{"k_heun", 0.5, 9}, Case{"k_dpm_2", 0.3, 5},
                           Case{"plms", 0.5, 6}, Case{"ddim", 0.29, 2}, Case{"k_lms", 0.01, 1}}) {
    GenerationRequest request = request_on(red_circle(), "a star", each.strength);
    request.sampler = each.sampler;
    request.steps = 10;
    const Drawn drawn = draw(request);
    ASSERT_EQ(static_cast<int>(drawn.steps.size()), each.steps) << each.sampler;
    EXPECT_EQ(drawn.steps.back().step, each.steps);
    for (const StepProgress& step : drawn.steps) EXPECT_EQ(step.steps, each.steps);
  }
}

TEST(ImageToImage, DrawsAtThePicturesSizeOrFitsIt) {
  const image::Image wide = image::resize(red_circle(), 150, 100);
  GenerationRequest request = request_on(wide, "a star", 0.2);
  request.width = request.height = 128;
  Drawn own = draw(request);
  ASSERT_EQ(own.pictures.size(), 1u);
  EXPECT_EQ(own.pictures[0].width, 152);
  EXPECT_EQ(own.pictures[0].height, 104);
  request.init->fit = true;
  const Drawn fitted = draw(request);
  EXPECT_EQ(fitted.pictures.at(0).picture.width, 128);
  EXPECT_EQ(fitted.pictures.at(0).picture.height, 88);
}

TEST(ImageToImage, PicturesDoNotDependOnTheBatch) {
  GenerationRequest request = request_on(red_circle(), "a star", 0.5);
  request.sampler = "k_euler_a";
  request.steps = 6;
  request.iterations = 3;
  const Drawn single = draw(request);
  request.batch_size = 3;
  const Drawn together = draw(request);
  ASSERT_EQ(single.pictures.size(), 3u);
  ASSERT_EQ(together.pictures.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(single.pictures[i].seed, together.pictures[i].seed);
    EXPECT_EQ(single.pictures[i].picture, together.pictures[i].picture) << i;
  }
}

TEST(ImageToImage, StopsWhenCancelled) {
  const Drawn drawn = draw(request_on(red_circle(), "a star", 0.5), 3);
  EXPECT_EQ(drawn.outcome, Outcome::cancelled);
  EXPECT_TRUE(drawn.pictures.empty());
  EXPECT_EQ(drawn.steps.size(), 3u);
}

TEST(ImageToImage, OnePixelIsAPicture) {
  image::Image dot(1, 1, 3);
  const image::Image drawn = draw_one(request_on(dot, "a star", 0.2));
  EXPECT_EQ(drawn.width, 64);
  EXPECT_EQ(drawn.height, 64);
}

}  // namespace
}  // namespace invokeai::pipeline
