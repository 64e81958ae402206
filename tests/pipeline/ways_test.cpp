// Tiling edges, two passes, tiles, outpainting, boxes of a canvas and previews, judged by measuring.
#include <fmt/ranges.h>

#include <algorithm>

#include "image/color_correct.h"
#include "image/compose.h"
#include "image/convert.h"
#include "image/resize.h"
#include "image/tiles.h"
#include "pipeline/demo.h"
#include "pipeline/internal/original.h"
#include "pipeline/sizes.h"

namespace invokeai::pipeline {
namespace {

/// Mean difference, in levels 0..255, of the pixels that meet when a picture is laid beside itself
/// (x) or below itself (y).
struct EdgeStep {
  double x = 0;
  double y = 0;
};

EdgeStep edge_step(const image::Image& picture) {
  EdgeStep step;
  const int right = picture.width - 1, bottom = picture.height - 1;
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y <= bottom; ++y)
      step.x += std::abs(picture.at(0, y)[c] - picture.at(right, y)[c]) / (3.0 * picture.height);
    for (int x = 0; x <= right; ++x)
      step.y += std::abs(picture.at(x, 0)[c] - picture.at(x, bottom)[c]) / (3.0 * picture.width);
  }
  return step;
}

/// Levels that edges which fit may differ by.
constexpr double kSeamlessBar = 8;

// That convolutions wrap exactly is shown on toy networks (tests/nn/wrap_test.cpp); here, that the
// request reaches them.
TEST(Seamless, EdgesMeetAndTheSettingDoesNotStayBehind) {
  GenerationRequest request = request_for("a big red star on a blue background");
  const image::Image plain = draw_one(request);
  request.seamless = {.x = true, .y = true};
  const image::Image both = draw_one(request);
  EXPECT_NE(both, plain);
  EXPECT_LT(edge_step(both).x, kSeamlessBar);
  EXPECT_LT(edge_step(both).y, kSeamlessBar);
  request.seamless = {.x = true, .y = false};
  const image::Image across = draw_one(request);
  EXPECT_NE(across, plain);
  EXPECT_NE(across, both);
  EXPECT_LT(edge_step(across).x, kSeamlessBar);
  request.seamless = {};
  EXPECT_EQ(draw_one(request), plain);
}

TEST(Hires, DrawsTwiceAtTheSizeAskedFor) {
  GenerationRequest request = request_for("a red circle on a white background");
  request.steps = 8;
  request.width = px(256);
  request.height = px(192);
  request.hires = HiresOptions{.strength = 0.25};
  const Drawn drawn = draw(request);
  ASSERT_EQ(drawn.pictures.size(), 1u);
  EXPECT_EQ(drawn.pictures[0].picture.width, px(256));
  EXPECT_EQ(drawn.pictures[0].picture.height, px(192));
  EXPECT_EQ(drawn.steps.size(), 10u) << "8 small ones, 2 large ones";
  EXPECT_EQ(drawn.steps.back().steps, 10);
  // What the first pass laid out is still there after the second.
  GenerationRequest small = request;
  small.hires.reset();
  const Size first = hires_first_size({px(256), px(192)}, kSide);
  small.width = first.width;
  small.height = first.height;
  const image::Image enlarged = image::resize(draw_one(small), px(256), px(192));
  GenerationRequest other = request;
  other.seed = 7;
  EXPECT_LT(distance(drawn.pictures[0].picture, enlarged),
            distance(draw_one(other), enlarged));
}

TEST(Hires, StartsFromAPicture) {
  GenerationRequest request = request_on(image::resize(red_circle(), px(256), px(256)),
                                         "a red circle at the left on a white background", 0.4);
  request.steps = 10;
  request.hires = HiresOptions{.strength = 0.3};
  const Drawn drawn = draw(request);
  ASSERT_EQ(drawn.pictures.size(), 1u);
  EXPECT_EQ(drawn.steps.size(), 7u);
  const drawer::Measured before = drawer::measure(red_circle());
  const drawer::Measured after = drawer::measure(drawn.pictures[0].picture);
  EXPECT_NEAR(after.cx, before.cx, 0.08);
  EXPECT_NEAR(after.cy, before.cy, 0.08);
  EXPECT_EQ(drawer::name(after.background), "white");
}

TEST(Embiggen, RedrawsTilesAndKeepsTheWhole) {
  GenerationRequest request = request_on(red_circle(), "a red circle at the left on a white background", 0.75);
  request.width = request.height = kSide;
  request.steps = 10;
  request.embiggen = EmbiggenOptions{.scale = 2, .overlap = 0.25, .strength = 0.2, .tiles = {}};
  const Drawn drawn = draw(request);
  ASSERT_EQ(drawn.pictures.size(), 1u);
  const image::Image& large = drawn.pictures[0].picture;
  EXPECT_EQ(large.width, px(256));
  EXPECT_EQ(drawn.steps.size(), 9u * 2) << "3 x 3 tiles, 2 steps each";
  const image::Image enlarged =
      image::resize(red_circle(), px(256), px(256), image::ResizeFilter::lanczos);
  EXPECT_LT(distance(large, enlarged), 25);
  const drawer::Measured before = drawer::measure(red_circle()), after = drawer::measure(large);
  EXPECT_NEAR(after.cx, before.cx, 0.05);
  EXPECT_NEAR(after.cy, before.cy, 0.05);

  request.embiggen->tiles = {1};
  const image::Image corner = draw_one(request);
  EXPECT_NE(corner, enlarged);
  const image::Box far{px(160), 0, px(96), px(256)};
  EXPECT_EQ(image::crop(corner, far), image::crop(enlarged, far)) << "tiles not listed stay";

  request.embiggen->scale = 1;
  const Drawn nothing = draw(request);
  ASSERT_FALSE(nothing.outcome.has_value());
  EXPECT_NE(nothing.outcome.error().message.find("one tile"), std::string::npos);
}

/// Mean difference of the columns left and right of x.
double step_at(const image::Image& picture, int x) {
  double sum = 0;
  for (int y = 0; y < picture.height; ++y)
    for (int c = 0; c < 3; ++c) sum += std::abs(picture.at(x, y)[c] - picture.at(x - 1, y)[c]);
  return sum / (3 * picture.height);
}

/// Levels, 0..255, that neighbours across the border of old and new may differ by.
constexpr double kBorderBar = 6;

TEST(Outpaint, GrowsWithoutAVisibleBorder) {
  GenerationRequest request = request_on(red_circle(), "a red circle on a white background", 0.9);
  request.outpaint.outcrop = {{image::Side::right, 64}, {image::Side::top, 64}};
  request.outpaint.seam = {.size = 32, .blur = 4, .strength = 0.7, .steps = 10};
  const Drawn drawn = draw(request);
  ASSERT_EQ(drawn.pictures.size(), 1u) << drawn.outcome.error().text();
  const image::Image& large = drawn.pictures[0].picture;
  EXPECT_EQ(large.width, kSide + 64);
  EXPECT_EQ(large.height, kSide + 64);
  EXPECT_EQ(drawn.steps.size(), 10u + 7) << "the seam is a pass of its own";
  EXPECT_LT(step_at(image::crop(large, {0, 64, kSide + 64, kSide}), kSide), kBorderBar);
  // Far from the border the old part is what it was.
  EXPECT_EQ(image::crop(large, {0, 64 + 48, kSide - 48, kSide - 48}),
            image::crop(red_circle(), {0, 48, kSide - 48, kSide - 48}));
}

// Solid first colours leave an edge that the first pass at this strength does not take away; the
// second pass over the seam does.
TEST(Outpaint, TheSeamPassTakesTheEdgeAway) {
  GenerationRequest request = request_on(red_circle(), "a red circle on a white background", 0.6);
  request.outpaint.outcrop = {{image::Side::right, 64}};
  request.outpaint.infill.method = image::InfillMethod::solid;
  request.inpaint.blur = 0;
  request.inpaint.match_colors = false;
  const image::Image without = draw_one(request);
  request.outpaint.seam = {.size = 32, .blur = 8, .strength = 0.7, .steps = 10};
  const image::Image with = draw_one(request);
  fmt::print("step across the border: {:.1f} levels without the seam pass, {:.1f} with it\n",
             step_at(without, kSide), step_at(with, kSide));
  EXPECT_LT(step_at(with, kSide), kBorderBar);
  EXPECT_LT(step_at(with, kSide), step_at(without, kSide) / 2);
  // It reaches half its width to each side, and the blur beyond.
  EXPECT_EQ(image::crop(with, {0, 0, kSide - 32, kSide}),
            image::crop(without, {0, 0, kSide - 32, kSide}));
}

/// The middle one of the rows' differences at that place: that of the ground, though an object's edge
/// may lie across some rows.
double ground_step_at(const image::Image& picture, int x) {
  std::vector<double> steps;
  for (int y = 0; y < picture.height; ++y)
    steps.push_back(step_at(image::crop(picture, {0, y, picture.width, 1}), x));
  std::ranges::nth_element(steps, steps.begin() + picture.height / 2);
  return steps[static_cast<std::size_t>(picture.height / 2)];
}

TEST(Canvas, TheSeamOfABoxOverTheEdgeIsNotSeen) {
  GenerationRequest request = request_on(image::with_channels(red_circle(), 4),
                                         "a red circle at the left on a white background", 0.9);
  request.outpaint.seam = {.size = 32, .blur = 8, .strength = 0.7, .steps = 10};
  request.canvas = CanvasBox{.box = {kSide / 2, 0, kSide, kSide},
                             .scale = {.method = image::BoxScaling::automatic, .optimum = kSide}};
  const Drawn drawn = draw(request);
  ASSERT_EQ(drawn.pictures.size(), 1u) << drawn.outcome.error().text();
  const image::Image& box = drawn.pictures[0].picture;
  EXPECT_EQ(drawn.steps.back().steps, 10 + 7) << "12 steps at 0.9, and the seam";
  fmt::print("step across the edge of the canvas: {:.1f} levels, of the ground {:.1f}\n",
             step_at(box, kSide / 2), ground_step_at(box, kSide / 2));
  EXPECT_LT(ground_step_at(box, kSide / 2), kBorderBar);
  EXPECT_EQ(image::crop(box, {0, 0, 24, kSide}),
            image::crop(red_circle(), {kSide / 2, 0, 24, kSide}));
}

TEST(Outpaint, EveryInfillAndShiftDraws) {
  for (const auto method : {image::InfillMethod::patchmatch, image::InfillMethod::tile,
                            image::InfillMethod::smooth, image::InfillMethod::solid}) {
    GenerationRequest request = request_on(red_circle(), "a red circle on a white background", 0.8);
    request.steps = 4;
    request.outpaint.infill.method = method;
    request.outpaint.shift = image::Shift{image::Side::right, 32};
    const image::Image drawn = draw_one(request);
    EXPECT_EQ(drawn.width, kSide);
    // Moved away from the right by 32 pixels.
    EXPECT_EQ(image::crop(drawn, {0, 0, 32, kSide}), image::crop(red_circle(), {32, 0, 32, kSide}));
  }
}

TEST(Outpaint, PicturesDoNotDependOnTheBatch) {
  GenerationRequest request = request_on(red_circle(), "a red circle", 0.8);
  request.steps = 4;
  request.outpaint.outcrop = {{image::Side::left, 64}};
  request.outpaint.seam = {.size = 32, .blur = 4, .strength = 0.7, .steps = 3};
  request.iterations = request.batch_size = 2;
  const Drawn both = draw(request);
  ASSERT_EQ(both.pictures.size(), 2u);
  request.seed = both.pictures[1].seed;
  request.iterations = 1;
  EXPECT_EQ(draw_one(request), both.pictures[1].picture);
}

TEST(Canvas, ABoxIsPaintedAtItsOwnSizeAndFitsBack) {
  image::Image canvas = image::with_channels(red_circle(), 4);
  image::Image mask(kSide, kSide, 1);
  std::ranges::fill(mask.pixels, std::uint8_t{255});
  for (int y = px(40); y < px(80); ++y) std::fill_n(mask.at(px(90), y), px(24), std::uint8_t{0});
  GenerationRequest request = request_on(canvas, "a blue square on a white background", 0.9);
  request.inpaint.mask = mask;
  request.inpaint.blur = 2;
  request.canvas = CanvasBox{.box = {px(64), px(32), px(64), px(64)},
                             .scale = {.method = image::BoxScaling::automatic, .optimum = kSide}};
  const image::Image drawn = draw_one(request);
  ASSERT_EQ(drawn.width, px(64));
  ASSERT_EQ(drawn.height, px(64));
  const image::Image below = image::crop(red_circle(), {px(64), px(32), px(64), px(64)});
  EXPECT_EQ(image::crop(drawn, {0, 0, px(20), px(64)}), image::crop(below, {0, 0, px(20), px(64)}));
  EXPECT_NE(image::crop(drawn, {px(30), px(12), px(16), px(30)}),
            image::crop(below, {px(30), px(12), px(16), px(30)}));
  // An empty box is drawn from noise, an opaque one without mask is painted over.
  request.inpaint.mask.reset();
  const image::Image over = draw_one(request);
  EXPECT_EQ(over.width, px(64));
  std::ranges::fill(request.init->picture.pixels, std::uint8_t{0});
  EXPECT_NE(draw_one(request), over);
}

TEST(Previews, HaveTheColoursOfThePicture) {
  GenerationRequest request = request_for("a big red circle on a blue background");
  request.preview_every = request.steps;
  const Drawn drawn = draw(request);
  const image::Image& picture = drawn.pictures.at(0).picture;
  const image::Image small =
      image::resize(picture, picture.width / 8, picture.height / 8, image::ResizeFilter::box);
  EXPECT_LT(distance(*drawn.steps.back().preview, small), 16);
}

TEST(Previews, LatentOnesAreSmallFullOnesEndInThePicture) {
  GenerationRequest request = request_for("a star");
  request.steps = 5;
  request.preview_every = 2;
  const auto sizes = [](const Drawn& drawn) {
    std::vector<int> widths;
    for (const StepProgress& step : drawn.steps)
      widths.push_back(step.preview ? step.preview->width : 0);
    return widths;
  };
  EXPECT_EQ(sizes(draw(request)), (std::vector<int>{0, kSide / 8, 0, kSide / 8, 0}));
  request.full_previews = true;
  const Drawn full = draw(request);
  EXPECT_EQ(sizes(full), (std::vector<int>{0, kSide, 0, kSide, kSide}));
  EXPECT_LT(distance(*full.steps.back().preview, full.pictures.at(0).picture), 1);
  request.preview_every = 0;
  EXPECT_EQ(draw_one(request), full.pictures[0].picture) << "looking does not change the picture";
}

TEST(InitColor, TheFinishedPictureHasTheColoursOfTheOther) {
  GenerationRequest request = request_for("a red circle on a white background");
  request.steps = 4;
  const image::Image plain = draw_one(request);
  const image::Image blue = drawer::paint({.background = drawer::Color::blue, .objects = {}}, kSide);
  request.init_color = blue;
  const image::Image tinted = draw_one(request);
  for (int c = 0; c < 3; ++c)
    EXPECT_NEAR(mean(tinted, c, 0, 0, kSide, kSide), mean(blue, c, 0, 0, kSide, kSide), 20) << c;
  EXPECT_EQ(tinted, image::match_colors(plain, blue)) << "once, after everything else";
  request.init = InitImage{.picture = red_circle()};
  request.hires = HiresOptions{};
  EXPECT_NEAR(mean(draw_one(request), 2, 0, 0, kSide, kSide), mean(blue, 2, 0, 0, kSide, kSide), 20);
}

TEST(Notices, TellWhatTheStartingPictureWillDo) {
  const auto told = [](image::Image picture, auto change) {
    GenerationRequest request = request_on(std::move(picture), "x", 0.5);
    change(request);
    return fmt::format("{}", fmt::join(notices_of(request, kSide), "|"));
  };
  const auto as_is = [](GenerationRequest&) {};
  EXPECT_EQ(told(image::Image(kSide, kSide, 3), as_is), "");
  EXPECT_NE(told(image::Image(kSide, kSide + 8, 3), as_is)
                .find(fmt::format("{} x {} pixels, more than", kSide, kSide + 8)),
            std::string::npos);
  EXPECT_NE(told(image::Image(64, 120, 3), as_is).find("only 64 x 120 pixels"), std::string::npos);
  EXPECT_EQ(told(image::Image(64, kSide, 3), as_is), "") << "one side is large enough";
  const auto fitted = [](GenerationRequest& request) { request.init->fit = true; };
  EXPECT_EQ(told(image::Image(1000, 1000, 3), fitted), "");
  image::Image holes(kSide, kSide, 4);
  EXPECT_NE(told(holes, as_is).find("colours below the transparent parts"), std::string::npos);
  const auto masked = [](GenerationRequest& request) {
    request.inpaint.mask = image::Image(kSide, kSide, 1);
  };
  EXPECT_EQ(told(holes, masked), "");
  for (std::size_t i = 0; i < holes.pixels.size(); i += 4) holes.pixels[i] = 90;
  EXPECT_EQ(told(holes, as_is), "") << "its colours are still there";
  GenerationRequest none = request_for("x");
  EXPECT_TRUE(notices_of(none, kSide).empty());
  // They reach the user.
  GenerationRequest large = request_on(image::Image(px(192), kSide, 3), "x", 0.1);
  large.steps = 10;
  const Drawn drawn = draw(large);
  ASSERT_FALSE(drawn.messages.empty());
  EXPECT_NE(drawn.messages.front().find(fmt::format("{} x {}", px(192), kSide)), std::string::npos);
}

}  // namespace
}  // namespace invokeai::pipeline
