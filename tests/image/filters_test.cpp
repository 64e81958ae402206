#include "image/filters.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "image/compose.h"
#include "image/pictures.h"

namespace invokeai::image {
namespace {

std::string hex(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  for (const auto byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

nlohmann::json golden(const char* part) {
  const auto text = read_file(INVOKEAI_TEST_DATA "/golden/filters.json");
  EXPECT_TRUE(text);
  return text ? nlohmann::json::parse(*text).at(part) : nlohmann::json::array();
}

void expect_equal(const Image& result, const nlohmann::json& test) {
  if (test.contains("pixels"))
    EXPECT_EQ(hex(result.pixels), test.at("pixels")) << test.dump();
  else
    EXPECT_EQ(sha256_hex(result.pixels), test.at("sha256")) << test.dump();
}

Image source_of(const nlohmann::json& test, int channels) {
  return testing::noise_picture(test.at("size")[0], test.at("size")[1], channels);
}

Image mirrored(const Image& picture) {
  Image result = picture;
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x)
      std::copy_n(picture.at(x, y), picture.channels, result.at(picture.width - 1 - x, y));
  return result;
}

TEST(Filters, EqualPillowToTheBit) {
  const auto cases = golden("filters");
  EXPECT_EQ(cases.size(), 450u);
  for (const auto& test : cases) {
    const Image source = source_of(test, test.at("channels"));
    const std::string filter = test.at("filter");
    if (filter == "box")
      expect_equal(box_blur(source, test.at("radius")), test);
    else if (filter == "gaussian")
      expect_equal(gaussian_blur(source, test.at("radius")), test);
    else if (filter == "erode")
      expect_equal(erode(source, test.at("radius")), test);
    else
      expect_equal(dilate(source, test.at("radius")), test);
  }
}

TEST(Compose, BlendAndMultiplyEqualPillowToTheBit) {
  const auto cases = golden("mixes");
  EXPECT_EQ(cases.size(), 8u);
  for (const auto& test : cases) {
    const Image mask = source_of(test, 1);
    if (test.at("operation") == "multiply") {
      expect_equal(multiply(mask, mirrored(mask)), test);
    } else {
      const Image source = source_of(test, test.at("channels"));
      expect_equal(blend(source, mirrored(source), mask), test);
    }
  }
}

TEST(Filters, RadiusZeroChangesNothing) {
  const Image picture = testing::noise_picture(9, 7, 3);
  EXPECT_EQ(box_blur(picture, 0), picture);
  EXPECT_EQ(gaussian_blur(picture, 0), picture);
  EXPECT_EQ(dilate(picture, 0), picture);
  EXPECT_EQ(erode(picture, 0), picture);
}

TEST(Filters, ReachBeyondThePictureMeansItsExtremes) {
  const Image picture = testing::noise_picture(17, 5, 1);
  const auto [least, most] = std::minmax_element(picture.pixels.begin(), picture.pixels.end());
  EXPECT_EQ(dilate(picture, 1000).pixels, std::vector<std::uint8_t>(85, *most));
  EXPECT_EQ(erode(picture, 1000).pixels, std::vector<std::uint8_t>(85, *least));
}

TEST(Filters, DilationsAddUp) {
  const Image picture = testing::noise_picture(40, 30, 1);
  EXPECT_EQ(dilate(dilate(picture, 2), 3), dilate(picture, 5));
  EXPECT_EQ(erode(erode(picture, 1), 4), erode(picture, 5));
}

TEST(Compose, CropAndPlaceUndoEachOther) {
  const Image picture = testing::noise_picture(12, 10, 4);
  const Box box{3, 2, 5, 6};
  const Image part = crop(picture, box);
  EXPECT_EQ(part.width, 5);
  EXPECT_EQ(part.at(0, 0)[1], picture.at(3, 2)[1]);
  Image again = picture;
  place(again, Image(5, 6, 4), 3, 2);
  EXPECT_NE(again, picture);
  place(again, part, 3, 2);
  EXPECT_EQ(again, picture);
}

TEST(Compose, CropsBeyondTheEdgeAreTransparent) {
  const Image picture = testing::noise_picture(4, 3, 4);
  const Image wide = crop(picture, {-2, -1, 9, 6});
  EXPECT_EQ(crop(wide, {2, 1, 4, 3}), picture);
  EXPECT_EQ(wide.at(1, 2)[3], 0);
  EXPECT_EQ(wide.at(6, 2)[3], 0);
  EXPECT_EQ(crop(picture, {100, 100, 2, 2}), Image(2, 2, 4));
  EXPECT_EQ(crop(picture, {-50, 0, 2, 2}), Image(2, 2, 4));
}

TEST(Compose, AlphaComesAndGoes) {
  const Image color = testing::noise_picture(6, 5, 3);
  const Image alpha = testing::noise_picture(6, 5, 1);
  EXPECT_EQ(alpha_of(with_alpha(color, alpha)), alpha);
  EXPECT_EQ(alpha_of(color).pixels, std::vector<std::uint8_t>(30, 255));
}

}  // namespace
}  // namespace invokeai::image
