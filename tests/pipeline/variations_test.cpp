// Variations: how far they go, and that what is told of them makes the same picture again.
#include "pipeline/demo.h"

namespace invokeai::pipeline {
namespace {

GenerationRequest varied(GenerationRequest request, double weight) {
  request.variations = {{7, weight}};
  return request;
}

TEST(Variations, DistanceGrowsWithTheWeight) {
  for (const bool from_picture : {false, true}) {
    GenerationRequest base = request_for("a red star on a blue background");
    if (from_picture)
      base = request_on(red_circle(), "a red star on a blue background", 0.9);
    const image::Image origin = draw_one(base);
    EXPECT_EQ(draw_one(varied(base, 0)), origin) << "weight 0 is no variation";
    double last = 0;
    for (const double weight : {0.05, 0.2, 0.6}) {
      const double now = distance(draw_one(varied(base, weight)), origin);
      EXPECT_GT(now, last) << weight << (from_picture ? " from a picture" : "");
      last = now;
    }
  }
}

TEST(Variations, WeightOneIsTheOtherSeed) {
  const GenerationRequest base = request_for("a red star on a blue background");
  EXPECT_EQ(draw_one(varied(base, 1)), draw_one(request_for(base.prompt, 7)));
}

TEST(Variations, RandomOnesAreToldAndCanBeRepeated) {
  GenerationRequest request = request_for("a red star on a blue background");
  request.sampler = "k_euler_a";  // the noise of the steps comes from the variation's seed
  request.variations = {{5, 0.3}};
  request.variation_amount = 0.4;
  request.iterations = 2;
  const Drawn drawn = draw(request);
  ASSERT_EQ(drawn.pictures.size(), 2u);
  EXPECT_NE(drawn.pictures[0].picture, drawn.pictures[1].picture);
  for (const GeneratedImage& made : drawn.pictures) {
    EXPECT_EQ(made.base_seed, 42u);
    ASSERT_EQ(made.variations.size(), 2u);
    EXPECT_EQ(made.seed, made.variations[1].seed);
    EXPECT_EQ(made.variations[1].weight, 0.4);
    GenerationRequest again = request;
    again.variation_amount = 0;
    again.iterations = 1;
    again.variations = made.variations;
    EXPECT_EQ(draw_one(again), made.picture);
  }
}

}  // namespace
}  // namespace invokeai::pipeline
