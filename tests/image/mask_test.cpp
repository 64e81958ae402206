#include "image/mask.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "image/compose.h"
#include "image/convert.h"
#include "image/pictures.h"
#include "image/resize.h"

namespace invokeai::image {
namespace {

Image filled(int width, int height, std::uint8_t value) {
  Image mask(width, height, 1);
  std::fill(mask.pixels.begin(), mask.pixels.end(), value);
  return mask;
}

void paint(Image& mask, const Box& box, std::uint8_t value) {
  for (int y = box.top; y < box.bottom(); ++y)
    for (int x = box.left; x < box.right(); ++x) *mask.at(x, y) = value;
}

TEST(Mask, TransparencyIsFoundInAnyPixel) {
  EXPECT_FALSE(has_transparency(testing::gradient_picture(5, 5, 3)));
  Image picture = testing::gradient_picture(5, 5, 4);
  EXPECT_FALSE(has_transparency(picture));
  picture.at(4, 4)[3] = 254;
  EXPECT_TRUE(has_transparency(picture));
}

TEST(Mask, ErasedColoursAreBlackOrWhiteUnderEveryHole) {
  Image picture = testing::gradient_picture(5, 5, 4);
  EXPECT_FALSE(hidden_colors_erased(picture)) << "no hole";
  picture.at(3, 3)[3] = 0;
  EXPECT_FALSE(hidden_colors_erased(picture)) << "its colour is still there";
  std::fill_n(picture.at(3, 3), 4, std::uint8_t{0});
  EXPECT_TRUE(hidden_colors_erased(picture));
  std::fill_n(picture.at(1, 1), 3, std::uint8_t{255});
  picture.at(1, 1)[3] = 0;
  EXPECT_TRUE(hidden_colors_erased(picture));
  picture.at(1, 1)[2] = 254;
  EXPECT_FALSE(hidden_colors_erased(picture));
}

TEST(Mask, MaskPicturesAreReadByTheirKind) {
  const Image grey = testing::noise_picture(6, 4, 1);
  EXPECT_EQ(mask_from_picture(grey), grey);
  const Image color = testing::noise_picture(6, 4, 3);
  EXPECT_EQ(mask_from_picture(color), with_channels(color, 1));
  EXPECT_EQ(mask_from_picture(with_alpha(color, grey)), grey);
  EXPECT_EQ(mask_from_picture(with_channels(color, 4)), with_channels(color, 1)) << "no alpha";
}

TEST(Mask, PictureWithoutMaskGivesItsAlpha) {
  const Image alpha = testing::noise_picture(6, 4, 1);
  const Image picture = with_alpha(testing::gradient_picture(6, 4, 3), alpha);
  EXPECT_EQ(*make_mask(picture, std::nullopt), multiply(alpha, alpha));
  EXPECT_EQ(make_mask(testing::gradient_picture(6, 4, 3), std::nullopt)->pixels,
            std::vector<std::uint8_t>(24, kKeep));
}

TEST(Mask, TransparentPixelsAreRepaintedWhateverTheMaskSays) {
  Image alpha = filled(8, 8, 255);
  paint(alpha, {0, 0, 2, 8}, 0);
  const Image picture = with_alpha(testing::gradient_picture(8, 8, 3), alpha);
  Image mask = filled(8, 8, kKeep);
  paint(mask, {4, 0, 4, 8}, kRepaint);

  Image expected = mask;
  paint(expected, {0, 0, 2, 8}, kRepaint);
  EXPECT_EQ(*make_mask(picture, mask), expected);

  expected = inverted(mask);
  paint(expected, {0, 0, 2, 8}, kRepaint);
  EXPECT_EQ(*make_mask(picture, mask, true), expected);

  EXPECT_EQ(coverage(*make_mask(picture, std::nullopt, true)), MaskCoverage::repaints_all);
}

TEST(Mask, MaskOfTheSameShapeIsScaledAnyOtherRefused) {
  const Image picture = testing::gradient_picture(90, 60, 3);
  Image mask = filled(45, 30, kKeep);
  paint(mask, {10, 10, 10, 10}, kRepaint);
  EXPECT_EQ(*make_mask(picture, mask), resize(mask, 90, 60, ResizeFilter::lanczos));
  EXPECT_TRUE(matched_mask(filled(500, 333, 0), 750, 500)) << "rounded to whole pixels";
  EXPECT_TRUE(matched_mask(filled(1, 1, 0), 64, 64));

  const auto refused = make_mask(picture, filled(60, 90, kKeep));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(refused.error().message,
            "the mask has 60 x 90 pixels, but the picture has 90 x 60; give a mask of the same "
            "shape");
  EXPECT_FALSE(matched_mask(filled(512, 512, 0), 512, 480));
}

TEST(Mask, CoverageTellsFullMasksFromMixedOnes) {
  Image mask = filled(8, 8, kKeep);
  EXPECT_EQ(coverage(mask), MaskCoverage::keeps_all);
  const auto refused = check_repaints(mask);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  *mask.at(7, 7) = 254;
  EXPECT_EQ(coverage(mask), MaskCoverage::mixed);
  EXPECT_TRUE(check_repaints(mask));
  mask = filled(8, 8, kRepaint);
  EXPECT_EQ(coverage(mask), MaskCoverage::repaints_all);
  EXPECT_TRUE(check_repaints(mask));
}

TEST(Mask, ThresholdIncludesItsLevel) {
  Image mask(4, 1, 1);
  mask.pixels = {0, 127, 128, 255};
  EXPECT_EQ(thresholded(mask).pixels, (std::vector<std::uint8_t>{0, 0, 255, 255}));
  EXPECT_EQ(thresholded(mask, 0).pixels, (std::vector<std::uint8_t>{255, 255, 255, 255}));
  EXPECT_EQ(thresholded(mask, 256).pixels, (std::vector<std::uint8_t>{0, 0, 0, 0}));
  EXPECT_EQ(inverted(mask).pixels, (std::vector<std::uint8_t>{255, 128, 127, 0}));
}

TEST(Mask, BoxHoldsAllThatIsNotFullyKept) {
  Image mask = filled(20, 10, kKeep);
  EXPECT_EQ(repaint_box(mask), std::nullopt);
  paint(mask, {5, 3, 4, 2}, kRepaint);
  EXPECT_EQ(repaint_box(mask), (Box{5, 3, 4, 2}));
  *mask.at(19, 9) = 254;
  EXPECT_EQ(repaint_box(mask), (Box{5, 3, 15, 7}));
  EXPECT_EQ(repaint_box(filled(3, 2, 0)), (Box{0, 0, 3, 2}));
}

TEST(Mask, LatentsSeeTheMiddleOfTheirPixelsTurnedRound) {
  Image mask = filled(24, 16, kKeep);
  paint(mask, {0, 0, 8, 8}, kRepaint);
  paint(mask, {8, 0, 4, 8}, kRepaint);   // half of the second cell
  paint(mask, {16, 0, 3, 8}, kRepaint);  // of the third, not its middle
  *mask.at(3, 11) = 51;
  const auto latent = latent_mask(mask);
  ASSERT_EQ(latent.size(), 6u);
  EXPECT_EQ(latent[0], 1.0f);
  EXPECT_EQ(latent[1], 0.5f);
  EXPECT_EQ(latent[2], 0.0f);
  EXPECT_FLOAT_EQ(latent[3], 0.2f);
  EXPECT_EQ(latent[4], 0.0f);
}

}  // namespace
}  // namespace invokeai::image
