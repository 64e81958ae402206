#include "image/word_mask.h"

#include <gtest/gtest.h>

#include "image/mask.h"
#include "image/pictures.h"
#include "image/resize.h"

namespace invokeai::image {
namespace {

TEST(WordMask, TheNetworkSeesThePictureInTheUpperLeftCorner) {
  const Image wide = testing::gradient_picture(704, 300, 3);
  const Image square = word_input(wide);
  ASSERT_EQ(square.width, kWordSide);
  ASSERT_EQ(square.height, kWordSide);
  ASSERT_EQ(square.channels, 3);
  const Image scaled = resize(wide, 352, 150, ResizeFilter::lanczos);
  for (const auto& [x, y] : {std::pair{0, 0}, {351, 149}, {200, 75}})
    for (int c = 0; c < 3; ++c) EXPECT_EQ(square.at(x, y)[c], scaled.at(x, y)[c]) << x << " " << y;
  for (int c = 0; c < 3; ++c) EXPECT_EQ(square.at(100, 150)[c], 0) << "black below";
}

TEST(WordMask, PicturesOfAnyShapeAreSeen) {
  EXPECT_EQ(word_input(Image(5000, 1, 4)).pixels.size(), std::size_t{352 * 352 * 3});
  EXPECT_EQ(*word_input([] {
               Image one(1, 1, 1);
               one.pixels[0] = 200;
               return one;
             }()).at(351, 351),
            200);
}

TEST(WordMask, WhatIsSureEnoughIsRepainted) {
  Image heat(kWordSide, kWordSide, 1);
  for (int y = 0; y < 176; ++y)
    for (int x = 0; x < 176; ++x) *heat.at(x, y) = 128;
  const Image mask = word_mask(heat, 0.5, 352, 352);
  EXPECT_EQ(*mask.at(10, 10), kRepaint) << "128 of 255 is over one half";
  EXPECT_EQ(*mask.at(300, 300), kKeep);
  EXPECT_EQ(coverage(word_mask(heat, 0.6, 352, 352)), MaskCoverage::keeps_all);
  EXPECT_EQ(coverage(word_mask(heat, 0, 352, 352)), MaskCoverage::repaints_all);
}

TEST(WordMask, TheSquareIsCutToThePicture) {
  Image heat(kWordSide, kWordSide, 1);
  for (int y = 0; y < kWordSide; ++y) *heat.at(351, y) = *heat.at(350, y) = 255;
  const Image over = over_picture(heat, 352, 100);
  ASSERT_EQ(over.width, 352);
  ASSERT_EQ(over.height, 100);
  EXPECT_EQ(*over.at(351, 99), 255);
  const Image tall = over_picture(heat, 100, 352);
  EXPECT_EQ(*tall.at(99, 351), 0) << "the right of the square lies outside of a tall picture";
  EXPECT_EQ(over_picture(heat, 704, 704).width, 704);
}

}  // namespace
}  // namespace invokeai::image
