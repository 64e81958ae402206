#include "image/canvas_box.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "image/color_correct.h"
#include "image/compose.h"
#include "image/convert.h"
#include "image/mask.h"
#include "image/pictures.h"
#include "image/resize.h"

namespace invokeai::image {
namespace {

Image white(int width, int height) { return inverted(Image(width, height, 1)); }

void paint(Image& mask, const Box& box, std::uint8_t value) {
  for (int y = box.top; y < box.bottom(); ++y)
    for (int x = box.left; x < box.right(); ++x) *mask.at(x, y) = value;
}

TEST(CanvasMode, FollowsAlphaAndMask) {
  const Image opaque = testing::gradient_picture(8, 8, 4);
  Image masked = white(8, 8);
  EXPECT_EQ(canvas_mode(opaque, masked), CanvasMode::img2img);
  EXPECT_EQ(canvas_mode(with_channels(opaque, 3), masked), CanvasMode::img2img);
  EXPECT_EQ(canvas_mode(Image(8, 8, 4), masked), CanvasMode::txt2img);
  *masked.at(1, 1) = 254;
  EXPECT_EQ(canvas_mode(opaque, masked), CanvasMode::inpainting);
  EXPECT_EQ(canvas_mode(Image(8, 8, 4), masked), CanvasMode::txt2img);
  Image soft = opaque;
  soft.at(7, 7)[3] = 254;
  EXPECT_EQ(canvas_mode(soft, white(8, 8)), CanvasMode::outpainting);
  EXPECT_EQ(canvas_mode(soft, masked), CanvasMode::outpainting);
}

struct SizeCase {
  Extent box, working;
};

TEST(WorkingSize, AutomaticReachesTheOptimum) {
  const SizeCase cases[] = {
      {{512, 512}, {512, 512}}, {{1024, 1024}, {1024, 1024}}, {{64, 64}, {512, 512}},
      {{448, 448}, {512, 512}}, {{1024, 256}, {1024, 256}},   {{512, 256}, {704, 384}},
      {{256, 512}, {384, 704}}, {{64, 128}, {384, 704}},      {{64, 1024}, {128, 2048}},
      {{384, 512}, {512, 640}}, {{576, 448}, {640, 512}},
  };
  for (const auto& test : cases) {
    const auto size = working_size(test.box, {});
    ASSERT_TRUE(size);
    EXPECT_EQ(size->width, test.working.width) << test.box.width << " x " << test.box.height;
    EXPECT_EQ(size->height, test.working.height) << test.box.width << " x " << test.box.height;
  }
  EXPECT_EQ(*working_size({512, 512}, {.optimum = 768}), (Extent{768, 768}));
}

TEST(WorkingSize, AnyBoxEndsOnTheGridWithEnoughPixels) {
  for (int width = 1; width <= 700; width += 37) {
    for (int height = 1; height <= 4096; height += 61) {
      const Extent size = *working_size({width, height}, {});
      ASSERT_EQ(size.width % 64 + size.height % 64, 0);
      ASSERT_GE(size.width * size.height, 0.8 * 512 * 512) << width << " x " << height;
      const Extent same = *working_size({width, height}, {BoxScaling::none});
      ASSERT_LE(std::abs(same.width - width), 63);
    }
  }
}

TEST(WorkingSize, ManualIsTakenOrRefused) {
  EXPECT_EQ(*working_size({64, 64}, {BoxScaling::manual, {640, 448}}), (Extent{640, 448}));
  const auto refused = working_size({64, 64}, {BoxScaling::manual, {640, 100}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "cannot scale the box to 640 x 100 pixels; wanted multiples of 64 up to 4096");
  EXPECT_FALSE(working_size({64, 64}, {BoxScaling::manual, {0, 64}}));
  EXPECT_FALSE(working_size({64, 64}, {BoxScaling::manual, {64, 8192}}));
}

TEST(CanvasPart, InpaintingIsScaledAndKeepsTheRestOfTheBox) {
  Image canvas = testing::noise_picture(300, 250, 3);
  const Image before = canvas;
  Image mask = white(300, 250);
  const Box hole{100, 90, 30, 30};
  paint(mask, hole, kRepaint);
  const Box box{60, 50, 128, 128};
  const auto part = cut_canvas_part(canvas, mask, box);
  ASSERT_TRUE(part) << part.error().text();
  EXPECT_EQ(part->mode, CanvasMode::inpainting);
  EXPECT_EQ(part->working, (Extent{512, 512}));
  EXPECT_EQ(part->picture, resize(crop(canvas, box), 512, 512));
  EXPECT_EQ(part->mask, resize(crop(mask, box), 512, 512));

  const Image generated = testing::gradient_picture(512, 512, 3);
  const Image finished = part->finished(generated);
  put_back(canvas, *part, finished);
  const Image weight = paste_mask(part->kept, part->original, 8);
  int kept = 0, painted = 0;
  for (int y = 0; y < 250; ++y) {
    for (int x = 0; x < 300; ++x) {
      const bool in_box = x >= 60 && x < 188 && y >= 50 && y < 178;
      const bool same = std::equal(canvas.at(x, y), canvas.at(x, y) + 3, before.at(x, y));
      if (!in_box || *weight.at(x - 60, y - 50) == 255) {
        ++kept;
        ASSERT_TRUE(same) << x << " " << y;
      } else if (!same) {
        ++painted;
      }
    }
  }
  EXPECT_GE(painted, 30 * 30);
  EXPECT_LE(painted, 54 * 54) << "12 pixels of softness around the hole";
  EXPECT_EQ(kept + 54 * 54, 300 * 250);
}

TEST(CanvasPart, OutpaintingFillsTheHoleAndPaintsItWhole) {
  const Image canvas = testing::gradient_picture(100, 100, 3);
  const Box box{36, 0, 128, 64};  // 64 columns beyond the edge
  const auto part = cut_canvas_part(canvas, std::nullopt, box);
  ASSERT_TRUE(part) << part.error().text();
  EXPECT_EQ(part->mode, CanvasMode::outpainting);
  EXPECT_EQ(part->working, (Extent{704, 384}));
  EXPECT_EQ(part->mask.width, 704);
  EXPECT_EQ(*part->mask.at(690, 100), kRepaint);
  EXPECT_EQ(*part->mask.at(100, 100), kKeep);
  EXPECT_GT(part->picture.at(700, 200)[0], 20) << "filled, not black";

  Image generated(704, 384, 3);
  const Image finished = part->finished(generated);
  EXPECT_TRUE(std::equal(finished.at(10, 10), finished.at(10, 10) + 3, canvas.at(46, 10)));
  Image result = with_channels(canvas, 4);
  put_back(result, *part, finished);
  EXPECT_EQ(result.width, 100);
  EXPECT_EQ(coverage(alpha_of(result)), MaskCoverage::keeps_all);
}

TEST(CanvasPart, WholePicturesAreWorkedOnAtTheSizeOfTheBox) {
  const Image canvas = testing::gradient_picture(300, 300, 4);
  const auto over = cut_canvas_part(canvas, std::nullopt, {10, 20, 128, 192});
  ASSERT_TRUE(over);
  EXPECT_EQ(over->mode, CanvasMode::img2img);
  EXPECT_EQ(over->working, (Extent{128, 192}));
  EXPECT_EQ(over->picture, with_channels(crop(canvas, {10, 20, 128, 192}), 3));
  EXPECT_TRUE(over->mask.pixels.empty());
  const Image generated = testing::noise_picture(128, 192, 3);
  EXPECT_EQ(over->finished(generated), generated);

  const auto fresh = cut_canvas_part(canvas, std::nullopt, {1000, -500, 64, 64});
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->mode, CanvasMode::txt2img);
  EXPECT_EQ(fresh->working, (Extent{64, 64}));
  EXPECT_TRUE(fresh->picture.pixels.empty());
}

TEST(CanvasPart, InvertedMaskPaintsTheOtherPart) {
  const Image canvas = testing::gradient_picture(64, 64, 3);
  Image mask = white(64, 64);
  paint(mask, {0, 0, 32, 64}, kRepaint);
  CanvasOptions options;
  options.invert_mask = true;
  const auto part = cut_canvas_part(canvas, mask, {0, 0, 64, 64}, options);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->kept, inverted(mask));

  const auto nothing = cut_canvas_part(canvas, Image(64, 64, 1), {0, 0, 64, 64}, options);
  ASSERT_FALSE(nothing);
  EXPECT_NE(nothing.error().message.find("nothing to paint"), std::string::npos);
}

TEST(CanvasPart, ImpossibleBoxesAndMasksAreRefused) {
  const Image canvas = testing::gradient_picture(64, 64, 3);
  for (const Box& box : {Box{0, 0, 0, 64}, Box{0, 0, 64, -1}, Box{0, 0, 8192, 64},
                         Box{2147483647, 0, 64, 64}, Box{0, -2147483647 - 1, 64, 64}}) {
    const auto refused = cut_canvas_part(canvas, std::nullopt, box);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  }
  EXPECT_FALSE(cut_canvas_part(canvas, white(64, 32), {0, 0, 64, 64}));
  // A size that cannot be is told of even where the box alone counts.
  CanvasOptions odd;
  odd.scale = {.method = BoxScaling::manual, .manual = {500, 512}};
  EXPECT_FALSE(check_canvas_part(canvas, std::nullopt, {0, 0, 64, 64}, odd));
  const auto known = check_canvas_part(canvas, std::nullopt, {32, 0, 64, 64});
  ASSERT_TRUE(known) << known.error().message;
  EXPECT_EQ(*known, CanvasMode::outpainting);
}

}  // namespace
}  // namespace invokeai::image
