// Pictures as users bring them, read from disk.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "image/codec.h"
#include "image/convert.h"
#include "image/pictures.h"
#include "image/png.h"

namespace invokeai::image {
namespace {

const fs::path kFolder = INVOKEAI_TEST_DATA "/golden/pictures";

std::vector<std::uint8_t> bytes_of(const std::string& hex) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

TEST(InitImage, EveryKindIsReadAsPillowReadsIt) {
  const auto text = read_file(kFolder / "expected.json");
  ASSERT_TRUE(text) << text.error().text();
  const auto expected = nlohmann::json::parse(*text);
  EXPECT_EQ(expected.size(), 16u);
  for (const auto& [name, test] : expected.items()) {
    const auto picture = load_image(kFolder / name);
    ASSERT_TRUE(picture) << picture.error().text();
    EXPECT_EQ(picture->width, test.at("size")[0]) << name;
    EXPECT_EQ(picture->height, test.at("size")[1]) << name;
    const Image rgba = with_channels(*picture, 4);
    const auto wanted = bytes_of(test.at("rgba"));
    ASSERT_EQ(rgba.pixels.size(), wanted.size()) << name;
    int largest = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i)
      largest = std::max(largest, std::abs(rgba.pixels[i] - wanted[i]));
    EXPECT_LE(largest, test.at("lossy") ? 2 : 0) << name;
  }
}

TEST(InitImage, ErrorsNameTheFileAndSayWhatIsWrong) {
  struct Case {
    const char* file;
    ErrorCode code;
    const char* message;
  };
  const Case cases[] = {
      {"text.png", ErrorCode::unsupported,
       "not a picture we can read (starts with 'This is no p…'); wanted PNG, JPEG or WebP"},
      {"other-kind.bmp", ErrorCode::unsupported, "wanted PNG, JPEG or WebP"},
      {"empty.png", ErrorCode::bad_file, "is empty; wanted PNG, JPEG or WebP"},
      {"truncated.png", ErrorCode::bad_file, "damaged PNG (the file ends too early)"},
      {"truncated.jpg", ErrorCode::bad_file, "damaged JPEG (Premature end of input file)"},
      {"truncated.webp", ErrorCode::bad_file, "damaged WebP (truncated"},
      {"missing.png", ErrorCode::not_found, "missing.png"},
  };
  for (const Case& test : cases) {
    const auto picture = load_image(kFolder / test.file);
    ASSERT_FALSE(picture) << test.file;
    EXPECT_EQ(picture.error().code, test.code) << picture.error().text();
    EXPECT_NE(picture.error().message.find((kFolder / test.file).string()), std::string::npos)
        << picture.error().text();
    EXPECT_NE(picture.error().message.find(test.message), std::string::npos)
        << picture.error().text();
  }
}

TEST(InitImage, LargePicturesAreReadWithinTheLimitAndRefusedBeyond) {
  const fs::path path = fs::path(::testing::TempDir()) / "init_image_8000.png";
  Image large(8000, 8000, 1);
  *large.at(7999, 7999) = 200;
  ASSERT_TRUE(write_file_atomically(path, *encode_png(large, {}, 1)));
  const auto picture = load_image(path);
  ASSERT_TRUE(picture) << picture.error().text();
  EXPECT_EQ(*picture, large);
  const auto refused = load_image(path, {.max_pixels = 4096 * 4096});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(refused.error().message,
            path.string() +
                ": 8000 x 8000 pixels, at most 16777216 in all are accepted here; "
                "scale it down first");
  fs::remove(path);
}

}  // namespace
}  // namespace invokeai::image
