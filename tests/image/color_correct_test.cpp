#include "image/color_correct.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "image/compose.h"
#include "image/convert.h"
#include "image/internal/lab.h"
#include "image/pictures.h"

namespace invokeai::image {
namespace {

nlohmann::json golden() {
  const auto text = read_file(INVOKEAI_TEST_DATA "/golden/color.json");
  EXPECT_TRUE(text);
  return text ? nlohmann::json::parse(*text) : nlohmann::json::object();
}

Image picture_of(const nlohmann::json& golden, const char* name) {
  const std::string hex = golden.at(name);
  Image picture(golden.at("size")[0], golden.at("size")[1], 3);
  EXPECT_EQ(hex.size(), 2 * picture.pixels.size());
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    picture.pixels[i] = static_cast<std::uint8_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  return picture;
}

int largest_difference(const Image& a, const Image& b) {
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

Image filled(int width, int height, std::vector<std::uint8_t> color) {
  Image picture(width, height, static_cast<int>(color.size()));
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    picture.pixels[i] = color[i % color.size()];
  return picture;
}

/// Left half kept, right half painted.
Image half_mask(int width, int height) {
  Image mask(width, height, 1);
  for (int y = 0; y < height; ++y) std::fill_n(mask.at(0, y), width / 2, std::uint8_t{255});
  return mask;
}

TEST(Lab, AgreesWithOpenCvToTwoLevels) {
  const auto expected = golden();
  const Image noise = testing::noise_picture(40, 24, 3);
  const Image ramps = picture_of(expected, "ramps");
  EXPECT_LE(largest_difference(lab_from_rgb(noise), picture_of(expected, "lab_of_noise")), 2);
  EXPECT_LE(largest_difference(lab_from_rgb(ramps), picture_of(expected, "lab_of_ramps")), 1);
  const Image lab = picture_of(expected, "lab_of_ramps");
  EXPECT_LE(largest_difference(rgb_from_lab(lab), picture_of(expected, "rgb_of_ramps_lab")), 1);
}

TEST(Lab, GreysHaveNoColourAndComeBack) {
  for (int level = 0; level < 256; ++level) {
    const auto grey = static_cast<std::uint8_t>(level);
    const Image rgb = filled(1, 1, {grey, grey, grey});
    const Image lab = lab_from_rgb(rgb);
    EXPECT_EQ(lab.pixels[1], 128);
    EXPECT_EQ(lab.pixels[2], 128);
    EXPECT_LE(largest_difference(rgb_from_lab(lab), rgb), 1);
  }
}

TEST(MatchColors, AgreesWithOpenCvAndScikitImage) {
  const auto expected = golden();
  const Image result =
      match_colors(picture_of(expected, "ramps"), picture_of(expected, "other_ramps"));
  EXPECT_LE(largest_difference(result, picture_of(expected, "ramps_like_others")), 4);
  EXPECT_LE(mean_difference(result, picture_of(expected, "ramps_like_others")), 0.5);
}

TEST(MatchColors, TheReferenceOfAnotherSizeGivesItsColours) {
  const Image grey = filled(7, 5, {90, 90, 90});
  const Image result = match_colors(testing::noise_picture(16, 16, 4), grey);
  EXPECT_LE(largest_difference(result, filled(16, 16, {90, 90, 90})), 1);
  const Image picture = testing::gradient_picture(32, 32, 3);
  EXPECT_LE(mean_difference(match_colors(picture, picture), picture), 1.5);
}

TEST(MatchMeanAndSpread, AgreesWithTheFormula) {
  const auto expected = golden();
  const Image result =
      match_mean_and_spread(testing::noise_picture(40, 24, 3), picture_of(expected, "ramps"),
                            testing::noise_picture(40, 24, 1));
  EXPECT_EQ(result, picture_of(expected, "mean_and_spread"));
}

TEST(MatchMeanAndSpread, MeasuresOnlyWhatIsKeptAndVisible) {
  const Image original = testing::gradient_picture(32, 16, 3);
  Image generated = original;
  for (auto& value : generated.pixels) value = static_cast<std::uint8_t>(value / 2 + 20);
  Image painted = generated;
  for (int y = 0; y < 16; ++y)
    for (int x = 16; x < 32; ++x) painted.at(x, y)[1] = 250;  // outside the kept half
  const Image mask = half_mask(32, 16);
  const Image corrected = match_mean_and_spread(painted, original, mask);
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 16; ++x)
      for (int c = 0; c < 3; ++c)
        ASSERT_NEAR(corrected.at(x, y)[c], original.at(x, y)[c], 2) << x << " " << y;

  Image alpha = half_mask(32, 16);  // visible left, mask keeps everything
  EXPECT_EQ(match_mean_and_spread(painted, with_alpha(original, alpha), filled(32, 16, {255})),
            corrected);
}

TEST(MatchMeanAndSpread, EqualPicturesAndNothingKeptChangeNothing) {
  const Image picture = testing::noise_picture(20, 20, 3);
  EXPECT_EQ(match_mean_and_spread(picture, picture, half_mask(20, 20)), picture);
  EXPECT_EQ(
      match_mean_and_spread(picture, testing::gradient_picture(20, 20, 3), filled(20, 20, {0})),
      picture);
}

TEST(MatchMeanAndSpread, WeakAlphaAndMaskDoNotWrap) {
  // 16 * 16 is 0 modulo 256, but something is kept there.
  const Image generated = testing::noise_picture(8, 8, 3);
  const Image original = with_alpha(testing::gradient_picture(8, 8, 3), filled(8, 8, {16}));
  EXPECT_NE(match_mean_and_spread(generated, original, filled(8, 8, {16})), generated);
}

TEST(MatchMeanAndSpread, FlatColoursMoveTheMeanOnly) {
  const Image original = filled(16, 8, {100, 120, 140});
  Image generated = testing::noise_picture(16, 8, 3);
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 8; ++x) std::fill_n(generated.at(x, y), 3, std::uint8_t{90});
  const Image corrected = match_mean_and_spread(generated, original, half_mask(16, 8));
  EXPECT_EQ(crop(corrected, {0, 0, 8, 8}), crop(original, {0, 0, 8, 8}));
  const int before = generated.at(12, 4)[0];
  EXPECT_EQ(corrected.at(12, 4)[0], std::min(before + 10, 255));
}

TEST(PasteKept, KeptPixelsComeBackUnchangedAndPaintedOnesStay) {
  const Image original = testing::noise_picture(96, 40, 3);
  const Image generated = testing::gradient_picture(96, 40, 3);
  const Image mask = half_mask(96, 40);
  for (const int radius : {0, 1, 8}) {
    const Image weight = paste_mask(mask, original, radius);
    const Image result = paste_kept(generated, original, mask, radius);
    const Image corrected = match_mean_and_spread(generated, original, mask);
    int kept = 0, painted = 0;
    for (int y = 0; y < 40; ++y) {
      for (int x = 0; x < 96; ++x) {
        if (*weight.at(x, y) == 255) {
          ++kept;
          ASSERT_TRUE(std::equal(result.at(x, y), result.at(x, y) + 3, original.at(x, y)));
        } else if (*weight.at(x, y) == 0) {
          ++painted;
          ASSERT_TRUE(std::equal(result.at(x, y), result.at(x, y) + 3, corrected.at(x, y)));
        }
      }
    }
    EXPECT_EQ(kept, (48 - radius / 2 - radius) * 40);
    EXPECT_EQ(painted, (48 - radius + radius / 2) * 40);
  }
}

TEST(PasteKept, NothingTransparentComesBack) {
  Image alpha = filled(64, 64, {255});
  for (int y = 0; y < 64; ++y) *alpha.at(5, y) = 0;
  const Image original = with_alpha(testing::noise_picture(64, 64, 3), alpha);
  const Image weight = paste_mask(filled(64, 64, {255}), original, 8);
  EXPECT_EQ(*weight.at(5, 30), 0);
  EXPECT_EQ(*weight.at(6, 30), 255);
}

TEST(PasteKept, AllKeptReturnsTheOriginal) {
  const Image original = testing::noise_picture(40, 24, 3);
  EXPECT_EQ(paste_kept(testing::gradient_picture(40, 24, 3), original, filled(40, 24, {255}), 8),
            original);
}

}  // namespace
}  // namespace invokeai::image
