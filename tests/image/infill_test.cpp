#include "image/infill.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "image/compose.h"
#include "image/convert.h"
#include "image/internal/pcg64.h"
#include "image/pictures.h"

namespace invokeai::image {
namespace {

constexpr InfillMethod kMethods[] = {InfillMethod::patchmatch, InfillMethod::tile,
                                     InfillMethod::smooth, InfillMethod::solid};

/// The picture with a transparent black frame of `border` pixels painted over it.
Image with_hole_around(const Image& picture, int border) {
  const Image rgba = with_channels(picture, 4);
  Image result(picture.width, picture.height, 4);
  place(result,
        crop(rgba, {border, border, picture.width - 2 * border, picture.height - 2 * border}),
        border, border);
  return result;
}

Image with_hole(const Image& picture, const Box& hole) {
  Image result = with_channels(picture, 4);
  place(result, Image(hole.width, hole.height, 4), hole.left, hole.top);
  return result;
}

Image stripes(int width, int height, int period) {
  Image picture(width, height, 3);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      std::fill_n(picture.at(x, y), 3, static_cast<std::uint8_t>(x / period % 2 == 0 ? 40 : 210));
  return picture;
}

double mean_difference(const Image& a, const Image& b, const Box& box) {
  const Image part = crop(a, box), other = crop(b, box);
  double sum = 0;
  for (std::size_t i = 0; i < part.pixels.size(); ++i)
    sum += std::abs(part.pixels[i] - other.pixels[i]);
  return sum / static_cast<double>(part.pixels.size());
}

TEST(Pcg64, ChoosesAsNumPyDoes) {
  const auto text = read_file(INVOKEAI_TEST_DATA "/golden/noise.json");
  ASSERT_TRUE(text);
  const auto cases = nlohmann::json::parse(*text).at("numpy_pcg64_choice");
  ASSERT_GE(cases.size(), 4u);
  for (const auto& test : cases) {
    Pcg64 random(test.at("seed").get<std::uint64_t>());
    for (const auto& pick : test.at("picks"))
      EXPECT_EQ(random.below(test.at("donors")), pick.get<std::uint32_t>()) << test.dump();
  }
}

TEST(Infill, OpaquePixelsStayWithEveryMethod) {
  const Image original = testing::noise_picture(50, 45, 3);
  const Image picture = with_hole(original, {20, 10, 13, 30});
  for (const auto method : kMethods) {
    const Image result = infill(picture, {.method = method, .tile_size = 8});
    ASSERT_EQ(result.channels, 3);
    for (int y = 0; y < 45; ++y)
      for (int x = 0; x < 50; ++x)
        if (picture.at(x, y)[3] == 255) {
          ASSERT_TRUE(std::equal(result.at(x, y), result.at(x, y) + 3, original.at(x, y)));
        }
    EXPECT_NE(crop(result, {20, 10, 13, 30}), Image(13, 30, 3));
  }
}

TEST(Infill, NothingTransparentMeansNothingChanges) {
  const Image picture = testing::noise_picture(9, 8, 3);
  for (const auto method : kMethods) {
    EXPECT_EQ(infill(picture, {.method = method}), picture);
    EXPECT_EQ(infill(with_channels(picture, 4), {.method = method}), picture);
  }
}

TEST(Infill, NothingVisibleMeansTheSolidColour) {
  for (const auto method : kMethods) {
    const Image result = infill(Image(6, 5, 4), {.method = method, .color = {1, 2, 3}});
    EXPECT_EQ(result.at(5, 4)[0], 1);
    EXPECT_EQ(result.at(5, 4)[1], 2);
    EXPECT_EQ(result.at(0, 0)[2], 3);
  }
}

TEST(Infill, SizesDownToOnePixelWork) {
  for (const auto method : kMethods) {
    for (const auto& [width, height] : {std::pair{1, 1}, {1, 40}, {40, 1}, {2, 2}, {3, 70}}) {
      Image picture(width, height, 4);
      std::fill_n(picture.at(width - 1, height - 1), 4, std::uint8_t{255});
      const Image result = infill(picture, {.method = method, .tile_size = 4});
      EXPECT_EQ(result.at(width - 1, height - 1)[0], 255);
      if (width * height > 1 && method != InfillMethod::solid) {
        EXPECT_EQ(result.at(0, 0)[0], 255) << "the only colour there is";
      }
    }
  }
}

TEST(Infill, SoftAlphaIsMixed) {
  Image picture = with_channels(stripes(16, 16, 16), 4);  // all 40
  std::fill_n(picture.at(8, 8), 3, std::uint8_t{240});
  picture.at(8, 8)[3] = 128;
  EXPECT_NEAR(infill(picture, {.method = InfillMethod::solid}).at(8, 8)[0], 184, 1);
  EXPECT_NEAR(infill(picture, {.method = InfillMethod::smooth}).at(8, 8)[0], 140, 1);
}

TEST(Infill, TilesComeFromThePictureAndFollowTheSeed) {
  Image picture(8, 4, 4);  // two rows of four tiles of 2 x 2; the lower row is empty
  for (int x = 0; x < 8; ++x)
    for (int y = 0; y < 2; ++y) {
      std::fill_n(picture.at(x, y), 3, static_cast<std::uint8_t>(10 * (x / 2 + 1)));
      picture.at(x, y)[3] = 255;
    }
  const Image result = infill(picture, {.method = InfillMethod::tile, .tile_size = 2, .seed = 42});
  Pcg64 random(42);
  for (int tile = 0; tile < 4; ++tile)
    EXPECT_EQ(result.at(2 * tile + 1, 3)[0], 10 * (random.below(4) + 1));
  EXPECT_EQ(infill(picture, {.method = InfillMethod::tile, .tile_size = 2, .seed = 42}), result);
  EXPECT_NE(infill(picture, {.method = InfillMethod::tile, .tile_size = 2, .seed = 43}), result);
}

TEST(Infill, TilesNeedNoMultipleAndNoDonor) {
  const Image picture = with_hole(testing::gradient_picture(50, 45, 3), {30, 30, 20, 15});
  const Image result = infill(picture, {.method = InfillMethod::tile, .tile_size = 16});
  EXPECT_GT(result.at(49, 44)[0], 0);
  const InfillOptions large{.method = InfillMethod::tile, .tile_size = 256};
  EXPECT_EQ(infill(picture, large), infill(picture, {.method = InfillMethod::smooth}));
}

TEST(Infill, SmoothContinuesAGradientAcrossTheHole) {
  const Image original = testing::gradient_picture(64, 64, 3);
  const Box hole{20, 16, 20, 24};
  const Image result = infill(with_hole(original, hole), {.method = InfillMethod::smooth});
  EXPECT_LE(mean_difference(result, original, hole), 2.0);
}

TEST(Infill, PatchmatchContinuesATexture) {
  const Image original = stripes(96, 96, 6);
  const Box hole{36, 36, 24, 24};
  const Image picture = with_hole(original, hole);
  const double patchmatch = mean_difference(infill(picture), original, hole);
  const double smooth =
      mean_difference(infill(picture, {.method = InfillMethod::smooth}), original, hole);
  EXPECT_LE(patchmatch, 10) << "stripes of 40 and 210";
  EXPECT_GE(smooth, 50) << "the same hole is hard without texture";
}

TEST(Infill, PatchmatchFollowsItsSeed) {
  const Image picture = with_hole_around(testing::noise_picture(80, 64, 3), 20);
  EXPECT_EQ(infill(picture, {.seed = 5}), infill(picture, {.seed = 5}));
  EXPECT_NE(infill(picture, {.seed = 5}), infill(picture, {.seed = 6}));
}

TEST(Infill, PatchmatchWithoutAnyWholePatchIsSmooth) {
  Image picture = with_channels(testing::gradient_picture(40, 40, 3), 4);
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 40; ++x) picture.at(x, y)[3] = x == 20 ? 255 : 0;
  const Image result = infill(picture);
  EXPECT_NEAR(result.at(0, 20)[0], picture.at(20, 20)[0], 3);
}

TEST(Infill, PatchmatchWhereOnlyCoarseLevelsHaveWholePatchesIsSmooth) {
  Image picture = with_hole(testing::gradient_picture(96, 96, 3), {40, 40, 40, 40});
  for (int y = 0; y < 96; ++y)
    for (int x = 0; x < 96; ++x)
      if ((x + y) % 2 == 0) std::fill_n(picture.at(x, y), 4, std::uint8_t{0});
  EXPECT_EQ(infill(picture), infill(picture, {.method = InfillMethod::smooth}));
}

TEST(Infill, NamesAreReadAndListed) {
  for (std::size_t i = 0; i < infill_method_names().size(); ++i)
    EXPECT_EQ(parse_infill_method(infill_method_names()[i]), kMethods[i]);
  const auto unknown = parse_infill_method("telea");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message,
            "there is no infill method 'telea'; choose from patchmatch, tile, smooth, solid");
}

}  // namespace
}  // namespace invokeai::image
