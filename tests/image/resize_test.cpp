#include "image/resize.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "image/pictures.h"

namespace invokeai::image {
namespace {

const std::map<std::string, ResizeFilter> kFilters = {{"nearest", ResizeFilter::nearest},
                                                      {"box", ResizeFilter::box},
                                                      {"bilinear", ResizeFilter::bilinear},
                                                      {"bicubic", ResizeFilter::bicubic},
                                                      {"lanczos", ResizeFilter::lanczos}};

std::string hex(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  for (const auto byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

TEST(Resize, EqualsPillowToTheBit) {
  const auto text = read_file(INVOKEAI_TEST_DATA "/golden/resize.json");
  ASSERT_TRUE(text) << text.error().text();
  const auto cases = nlohmann::json::parse(*text).at("cases");
  EXPECT_GE(cases.size(), 150u);
  for (const auto& test : cases) {
    SCOPED_TRACE(fmt::format("{} channels, {}, {} to {}", test.at("channels").get<int>(),
                             test.at("filter").get<std::string>(), test.at("from").dump(),
                             test.at("to").dump()));
    const Image source =
        testing::noise_picture(test.at("from")[0], test.at("from")[1], test.at("channels"));
    const Image result =
        resize(source, test.at("to")[0], test.at("to")[1], kFilters.at(test.at("filter")));
    if (test.contains("pixels"))
      EXPECT_EQ(hex(result.pixels), test.at("pixels"));
    else
      EXPECT_EQ(sha256_hex(result.pixels), test.at("sha256"));
  }
}

TEST(Resize, ColoursUnderFullTransparencyBecomeBlackOnlyWhenResized) {
  Image picture(4, 4, 4);
  std::fill(picture.pixels.begin(), picture.pixels.end(), std::uint8_t{200});
  for (int i = 0; i < 16; ++i) picture.pixels[4 * i + 3] = 0;
  EXPECT_EQ(resize(picture, 4, 4), picture);
  EXPECT_EQ(resize(picture, 2, 4).at(0, 0)[0], 0);
  EXPECT_EQ(resize(picture, 2, 4, ResizeFilter::nearest).at(0, 0)[0], 200);
}

TEST(Resize, FlatColourStaysFlat) {
  Image picture(10, 10, 3);
  std::fill(picture.pixels.begin(), picture.pixels.end(), std::uint8_t{77});
  for (const auto& [name, filter] : kFilters)
    for (const auto byte : resize(picture, 33, 7, filter).pixels) ASSERT_EQ(byte, 77) << name;
}

}  // namespace
}  // namespace invokeai::image
