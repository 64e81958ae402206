// Repainting parts of a picture: where it changes, what appears there, and the mask's conventions.
#include <algorithm>

#include "image/convert.h"
#include "image/mask.h"
#include "pipeline/demo.h"

namespace invokeai::pipeline {
namespace {

/// Keeps everything but the right third.
image::Image right_third() {
  image::Image mask(kSide, kSide, 1);
  std::ranges::fill(mask.pixels, image::kKeep);
  for (int y = 0; y < kSide; ++y)
    std::fill(mask.at(px(88), y), mask.at(0, y) + kSide, image::kRepaint);
  return mask;
}

GenerationRequest request_in(const image::Image& mask, const std::string& prompt) {
  GenerationRequest request = request_on(red_circle(), prompt, 0.95);
  request.inpaint.mask = mask;
  request.inpaint.blur = 4;
  request.inpaint.match_colors = false;
  return request;
}

/// Do two pictures agree byte for byte in these columns?
bool same_columns(const image::Image& a, const image::Image& b, int left, int right) {
  for (int y = 0; y < a.height; ++y)
    if (!std::equal(a.at(left, y), a.at(left, y) + (right - left) * 3, b.at(left, y))) return false;
  return true;
}

TEST(Inpaint, ChangesOnlyWhatIsMaskedAndPaintsWhatIsAsked) {
  image::Image around_circle(kSide, kSide, 1);
  std::ranges::fill(around_circle.pixels, image::kKeep);
  for (int y = px(20); y < px(108); ++y)
    std::fill_n(around_circle.at(px(4), y), px(82), image::kRepaint);
  for (const std::string colour : {"blue", "green"}) {
    GenerationRequest request =
        request_in(around_circle, fmt::format("a {} circle at the left on a white background", colour));
    request.init->strength = 0.9;
    const image::Image drawn = draw_one(request);
    EXPECT_EQ(drawer::name(drawer::measure(drawn).object), colour);
    EXPECT_EQ(drawer::name(drawer::measure(red_circle()).object), "red");
    EXPECT_TRUE(same_columns(drawn, red_circle(), px(92), kSide))
        << "kept outside of the soft edge";
  }
}

TEST(Inpaint, AnInvertedMaskKeepsTheOtherPart) {
  GenerationRequest request = request_in(right_third(), "a blue square on a black background");
  request.inpaint.invert = true;
  const image::Image drawn = draw_one(request);
  EXPECT_TRUE(same_columns(drawn, red_circle(), px(94), kSide));
  EXPECT_FALSE(same_columns(drawn, red_circle(), 0, px(60)));
}

TEST(Inpaint, GreyColourAndAlphaMasksMeanTheSame) {
  const image::Image grey = right_third();
  const GenerationRequest request = request_in(grey, "a star on a blue background");
  const image::Image drawn = draw_one(request);
  GenerationRequest colour = request;
  colour.inpaint.mask = image::with_channels(grey, 3);
  EXPECT_EQ(draw_one(colour), drawn);
  GenerationRequest alpha = request;
  alpha.inpaint.mask = image::Image(kSide, kSide, 4);
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x) alpha.inpaint.mask->at(x, y)[3] = *grey.at(x, y);
  EXPECT_EQ(draw_one(alpha), drawn);
}

TEST(Inpaint, TransparentPartsAreRepainted) {
  GenerationRequest request = request_in(right_third(), "a star on a blue background");
  request.inpaint.mask.reset();
  request.init->picture = image::with_channels(red_circle(), 4);
  for (int y = 0; y < kSide; ++y)
    for (int x = px(88); x < kSide; ++x) request.init->picture.at(x, y)[3] = 0;
  const image::Image drawn = draw_one(request);
  EXPECT_EQ(drawn.channels, 3);
  EXPECT_TRUE(same_columns(drawn, red_circle(), 0, px(82)));
  EXPECT_FALSE(same_columns(drawn, red_circle(), px(90), px(100)));
}

TEST(Inpaint, ReplaceGoesFurtherFromTheOriginal) {
  GenerationRequest request = request_in(right_third(), "a star");
  request.init->strength = 0.5;
  const double kept = distance(draw_one(request), red_circle());
  request.inpaint.replace = 1;
  const image::Image drawn = draw_one(request);
  EXPECT_GT(distance(drawn, red_circle()), kept);
  EXPECT_TRUE(same_columns(drawn, red_circle(), 0, px(82)));
}

TEST(Inpaint, EverySamplerKeepsTheKeptPart) {
  for (const std::string& sampler : sampler_names()) {
    GenerationRequest request = request_in(right_third(), "a star on a blue background");
    request.sampler = sampler;
    request.steps = 4;
    EXPECT_TRUE(same_columns(draw_one(request), red_circle(), 0, px(82))) << sampler;
  }
}

TEST(Inpaint, UselessMasksAreRefused) {
  const auto message = [](GenerationRequest request) {
    const Drawn drawn = draw(request);
    EXPECT_TRUE(drawn.pictures.empty());
    return drawn.outcome ? "" : drawn.outcome.error().message;
  };
  image::Image white(kSide, kSide, 1);
  std::ranges::fill(white.pixels, image::kKeep);
  EXPECT_NE(message(request_in(white, "x")).find("mask"), std::string::npos);
  EXPECT_NE(message(request_in(image::Image(kSide, 50, 1), "x")).find("same shape"),
            std::string::npos);
  GenerationRequest lonely = request_in(white, "x");
  lonely.init.reset();
  EXPECT_NE(message(lonely).find("drop -M"), std::string::npos);
}

TEST(Inpaint, ABlackMaskIsImageToImage) {
  GenerationRequest request = request_in(image::Image(kSide, kSide, 1), "a star");
  request.inpaint.blur = 0;
  const image::Image drawn = draw_one(request);
  request.inpaint.mask.reset();
  EXPECT_LT(distance(drawn, draw_one(request)), 0.01);
}

}  // namespace
}  // namespace invokeai::pipeline
