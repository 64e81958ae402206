#include "image/outpaint.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "image/compose.h"
#include "image/convert.h"
#include "image/mask.h"
#include "image/pictures.h"

namespace invokeai::image {
namespace {

using Words = std::vector<std::string>;

TEST(Outcrop, PairsAreRead) {
  const auto growths = parse_growths(Words{"top", "64", "left", "1", "top", "200"});
  ASSERT_TRUE(growths) << growths.error().text();
  EXPECT_EQ(*growths, (std::vector<Growth>{{Side::top, 200}, {Side::left, 1}}));
}

TEST(Outcrop, WrongWordsAreNamed) {
  const auto message = [](const Words& words) {
    const auto growths = parse_growths(words);
    EXPECT_FALSE(growths);
    return growths ? std::string() : growths.error().message;
  };
  EXPECT_EQ(message({"top"}), "wanted pairs of side and pixels like 'top 64 left 128', not 1 word");
  EXPECT_EQ(message({}), "wanted pairs of side and pixels like 'top 64 left 128', not 0 words");
  EXPECT_EQ(message({"up", "64"}), "'up' is not a side; choose from top, left, bottom, right");
  for (const char* bad : {"0", "-64", "64px", "", "1e3", "99999999999"})
    EXPECT_EQ(message({"left", bad}), std::string("'") + bad +
                                          "' after 'left' is not a number of pixels from 1 to "
                                          "65536");
}

TEST(Outcrop, SidesGrowToMultiplesOf64Transparently) {
  const Image picture = testing::noise_picture(30, 20, 3);
  const auto grown = outcropped(
      picture, std::vector<Growth>{
                   {Side::top, 1}, {Side::left, 64}, {Side::bottom, 65}, {Side::right, 128}});
  ASSERT_TRUE(grown) << grown.error().text();
  EXPECT_EQ(grown->width, 64 + 30 + 128);
  EXPECT_EQ(grown->height, 64 + 20 + 128);
  EXPECT_EQ(crop(*grown, {64, 64, 30, 20}), with_channels(picture, 4));
  Image expected(grown->width, grown->height, 4);
  place(expected, with_channels(picture, 4), 64, 64);
  EXPECT_EQ(*grown, expected);
}

TEST(Outcrop, EachSideAloneAndAlphaStays) {
  Image picture = testing::noise_picture(16, 16, 4);
  for (const Side side : {Side::top, Side::left, Side::bottom, Side::right}) {
    const auto grown = outcropped(picture, std::vector<Growth>{{side, 10}});
    const bool high = side == Side::top || side == Side::bottom;
    EXPECT_EQ(grown->width, high ? 16 : 80);
    EXPECT_EQ(grown->height, high ? 80 : 16);
    const Box old{side == Side::left ? 64 : 0, side == Side::top ? 64 : 0, 16, 16};
    EXPECT_EQ(crop(*grown, old), picture);
  }
}

TEST(Outcrop, ImpossibleSizesAreRefused) {
  const Image picture = testing::gradient_picture(16, 16, 3);
  EXPECT_EQ(outcropped(picture, std::vector<Growth>{}).error().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(outcropped(picture, std::vector<Growth>{{Side::top, 0}}));
  const auto huge =
      outcropped(picture, std::vector<Growth>{{Side::left, 64}}, {.max_pixels = 1000});
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.error().message,
            "the extended picture would have 80 x 16 pixels, at most 1000 in all are possible; "
            "extend it less");
  EXPECT_FALSE(outcropped(picture, std::vector<Growth>{{Side::left, 65536}, {Side::top, 65536}}));
}

TEST(ShiftOut, PictureMovesAndItsMirrorImageComesTransparently) {
  const Image picture = testing::noise_picture(12, 40, 3);
  const auto shifted = shifted_out(picture, {Side::top, 10});
  ASSERT_TRUE(shifted) << shifted.error().text();
  ASSERT_EQ(shifted->width, 12);
  ASSERT_EQ(shifted->height, 40);
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 12; ++x) {
      const int from = y < 10 ? 9 - y : y - 10;
      ASSERT_TRUE(std::equal(shifted->at(x, y), shifted->at(x, y) + 3, picture.at(x, from)));
      const bool dithered = y >= 10 && y < 14 && x % 2 == 0;  // a tenth of 40
      ASSERT_EQ(shifted->at(x, y)[3], y < 10 || dithered ? 0 : 255) << x << " " << y;
    }
  }
}

TEST(ShiftOut, EverySideIsTheNewOne) {
  const Image picture = testing::gradient_picture(40, 20, 3);
  const auto strip = [&](Side side) { return alpha_of(*shifted_out(picture, {side, 8})); };
  EXPECT_EQ(crop(strip(Side::left), {0, 0, 8, 20}), Image(8, 20, 1));
  EXPECT_EQ(crop(strip(Side::right), {32, 0, 8, 20}), Image(8, 20, 1));
  EXPECT_EQ(crop(strip(Side::top), {0, 0, 40, 8}), Image(40, 8, 1));
  EXPECT_EQ(crop(strip(Side::bottom), {0, 12, 40, 8}), Image(40, 8, 1));
  const Image left = *shifted_out(picture, {Side::left, 8});
  EXPECT_TRUE(std::equal(left.at(8, 3), left.at(8, 3) + 3, picture.at(0, 3)));
  const Image right = *shifted_out(picture, {Side::right, 8});
  EXPECT_TRUE(std::equal(right.at(31, 3), right.at(31, 3) + 3, picture.at(39, 3)));
}

TEST(ShiftOut, HalfTheExtentUnlessGivenAndWithinIt) {
  const Image picture = testing::gradient_picture(40, 20, 3);
  EXPECT_EQ(*shifted_out(picture, {Side::left, {}}), *shifted_out(picture, {Side::left, 20}));
  EXPECT_EQ(*shifted_out(picture, {Side::top, {}}), *shifted_out(picture, {Side::top, 10}));
  EXPECT_TRUE(shifted_out(picture, {Side::top, 19}));
  const auto refused = shifted_out(picture, {Side::top, 20});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "cannot shift a picture of 40 x 20 pixels top by 20; wanted 1 to 19");
  EXPECT_FALSE(shifted_out(testing::gradient_picture(1, 1, 3), {}));
}

TEST(ShiftOut, WordsAreRead) {
  EXPECT_EQ(parse_shift(Words{"right"})->pixels, std::nullopt);
  EXPECT_EQ(parse_shift(Words{"bottom", "100"})->pixels, 100);
  EXPECT_EQ(parse_shift(Words{"bottom", "100"})->side, Side::bottom);
  EXPECT_FALSE(parse_shift(Words{}));
  EXPECT_FALSE(parse_shift(Words{"left", "1", "2"}));
  EXPECT_FALSE(parse_shift(Words{"left", "x"}));
}

TEST(Seam, BandLiesAlongTheEdgeOnBothSides) {
  Image alpha(64, 8, 1);
  for (int y = 0; y < 8; ++y) std::fill_n(alpha.at(0, y), 32, std::uint8_t{255});
  const Image band = seam_mask(alpha, 10, 0);
  for (int x = 0; x < 64; ++x)
    EXPECT_EQ(*band.at(x, 4), x >= 31 - 5 && x <= 32 + 5 ? kRepaint : kKeep) << x;
  const Image soft = seam_mask(alpha, 10, 3);
  EXPECT_EQ(*soft.at(31, 4), kRepaint);
  EXPECT_EQ(*soft.at(20, 4), kKeep);
  EXPECT_NEAR(*soft.at(25, 4), 255 * 4 / 7, 2);
}

TEST(Seam, SoftAlphaBelongsToIt) {
  Image alpha(9, 9, 1);
  std::fill(alpha.pixels.begin(), alpha.pixels.end(), std::uint8_t{255});
  *alpha.at(4, 4) = 230;
  EXPECT_EQ(repaint_box(seam_mask(alpha, 2, 0)), (Box{3, 3, 3, 3}));
}

TEST(Seam, NoEdgesMeanNoBand) {
  Image alpha(20, 20, 1);
  EXPECT_EQ(coverage(seam_mask(alpha, 96, 16)), MaskCoverage::keeps_all);
  std::fill(alpha.pixels.begin(), alpha.pixels.end(), std::uint8_t{255});
  EXPECT_EQ(coverage(seam_mask(alpha, 96, 16)), MaskCoverage::keeps_all);
}

}  // namespace
}  // namespace invokeai::image
