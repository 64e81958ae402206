#include "image/png.h"

#include <gtest/gtest.h>

#include "image/pictures.h"
#include "image/png_builder.h"

namespace invokeai::image {
namespace {

using testing::chunk;
using testing::header;
using testing::png;
using testing::raw;

Image pixels(int width, int height, int channels, const std::string& bytes) {
  Image picture(width, height, channels);
  EXPECT_EQ(picture.pixels.size(), bytes.size());
  picture.pixels.assign(bytes.begin(), bytes.end());
  return picture;
}

void expect_picture(const std::string& file, const Image& expected) {
  const auto picture = decode_png(file);
  ASSERT_TRUE(picture) << picture.error().text();
  EXPECT_EQ(picture->width, expected.width);
  EXPECT_EQ(picture->height, expected.height);
  EXPECT_EQ(picture->channels, expected.channels);
  EXPECT_EQ(picture->pixels, expected.pixels);
}

TEST(Png, EveryKindOfPictureSurvivesARoundTrip) {
  for (const int channels : {1, 3, 4}) {
    for (const int compression : {0, 6, 9}) {
      const Image picture = testing::noise_picture(37, 21, channels);
      const auto file = encode_png(picture, {}, compression);
      ASSERT_TRUE(file) << file.error().text();
      expect_picture(*file, picture);
    }
  }
}

TEST(Png, SameInputGivesSameBytes) {
  const Image picture = testing::noise_picture(20, 20, 3);
  EXPECT_EQ(*encode_png(picture, {{"Dream", "a cat"}}), *encode_png(picture, {{"Dream", "a cat"}}));
}

TEST(Png, CompressionLevelsDiffer) {
  const Image picture = testing::gradient_picture(64, 64, 3);
  EXPECT_GT(encode_png(picture, {}, 0)->size(), encode_png(picture, {}, 9)->size());
}

TEST(Png, ImpossibleRequestsAreRefused) {
  const Image picture = testing::noise_picture(2, 2, 3);
  EXPECT_EQ(encode_png(picture, {}, 10).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(encode_png(picture, {}, -1).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(encode_png(Image(), {}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(encode_png(Image(2, 2, 2), {}).error().code, ErrorCode::invalid_argument);
  for (const auto& keyword : {std::string(), std::string(80, 'k'), std::string("語"),
                              std::string(" x"), std::string("a\nb"), std::string("a\0b", 3)})
    EXPECT_FALSE(encode_png(picture, {{keyword, "text"}})) << keyword;
  EXPECT_TRUE(encode_png(picture, {{std::string(79, 'k'), "text"}}));
}

TEST(Png, PaletteOfTwoBitsWithTransparencyBecomesRgba) {
  const std::string extra =
      chunk("PLTE", raw("\xFF\x00\x00\x00\xFF\x00\x00\x00\xFF")) + chunk("tRNS", raw("\xFF\x80"));
  // Indices 0 1 2 0 in one byte.
  expect_picture(png(header(4, 1, 2, 3), raw("\x00\x18"), extra),
                 pixels(4, 1, 4,
                        raw("\xFF\x00\x00\xFF\x00\xFF\x00\x80\x00\x00\xFF\xFF"
                            "\xFF\x00\x00\xFF")));
}

TEST(Png, OpaquePaletteBecomesRgb) {
  expect_picture(png(header(2, 1, 8, 3), raw("\x00\x01\x00"), chunk("PLTE", "abcdef")),
                 pixels(2, 1, 3, "defabc"));
}

TEST(Png, SixteenBitsAreRoundedToEight) {
  // 0x01FF / 257 = 1.99, 0x8000 / 257 = 127.5, 0xFFFF / 257 = 255.
  expect_picture(png(header(1, 1, 16, 2), raw("\x00\x01\xFF\x80\x00\xFF\xFF")),
                 pixels(1, 1, 3, "\x02\x80\xFF"));
}

TEST(Png, BlackAndWhiteOfOneBitBecomesGrey) {
  expect_picture(png(header(3, 1, 1, 0), raw("\x00\xA0")), pixels(3, 1, 1, raw("\xFF\x00\xFF")));
}

TEST(Png, GreyWithAlphaBecomesRgba) {
  expect_picture(png(header(1, 1, 8, 4), raw("\x00\x40\x10")), pixels(1, 1, 4, "\x40\x40\x40\x10"));
}

TEST(Png, TransparentColourBecomesAlpha) {
  expect_picture(png(header(2, 1, 8, 0), raw("\x00\x07\x08"), chunk("tRNS", raw("\x00\x07"))),
                 pixels(2, 1, 4, raw("\x07\x07\x07\x00\x08\x08\x08\xFF")));
}

TEST(Png, InterlacedRowsAreSorted) {
  const Image picture = testing::noise_picture(9, 11, 3);
  constexpr int kPasses[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                 {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};  // x, y, step x, step y
  std::string rows;
  for (const auto& [x0, y0, dx, dy] : kPasses) {
    for (int y = y0; y < picture.height && x0 < picture.width; y += dy) {
      rows += '\0';
      for (int x = x0; x < picture.width; x += dx)
        rows.append(reinterpret_cast<const char*>(picture.at(x, y)), 3);
    }
  }
  expect_picture(png(header(9, 11, 8, 2, true), rows), picture);
}

TEST(Png, ExifOrientationIsApplied) {
  // One entry: tag 0x0112, SHORT, count 1, value 6 (turn right).
  const auto exif = chunk("eXIf", raw("MM\x00\x2A\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03"
                                      "\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"));
  expect_picture(png(header(2, 1, 8, 0), raw("\x00\x0A\x0B"), exif), pixels(1, 2, 1, "\x0A\x0B"));
}

TEST(Png, DamagedSideChunksDoNotCostThePicture) {
  std::string text = chunk("tEXt", raw("k\x00v"));
  text.back() ^= 1;
  const auto profile = chunk("iCCP", "nonsense");
  expect_picture(png(header(1, 1, 8, 0), raw("\x00\x2A"), text + profile), pixels(1, 1, 1, "\x2A"));
}

TEST(Png, WrongChecksumOfPixelsIsAnError) {
  std::string file = png(header(1, 1, 8, 0), raw("\x00\x2A"));
  file[file.size() - 13] ^= 1;  // last checksum byte of IDAT
  ASSERT_FALSE(decode_png(file));
  file = png(header(1, 1, 8, 0), raw("\x00\x2A"));
  file[8 + 8 + 3] ^= 2;  // width, under the checksum of IHDR
  ASSERT_FALSE(decode_png(file));
  EXPECT_EQ(decode_png(file).error().code, ErrorCode::bad_file);
}

TEST(Png, TruncatedFilesAreAnErrorOrTheWholePicture) {
  const Image picture = testing::noise_picture(8, 8, 3);
  const std::string file = *encode_png(picture, {{"Dream", "a cat"}});
  for (std::size_t size = 0; size < file.size(); ++size) {
    const auto result = decode_png(std::string_view(file).substr(0, size));
    if (size + 24 < file.size()) {
      ASSERT_FALSE(result) << size;
      EXPECT_EQ(result.error().code, ErrorCode::bad_file);
    } else if (result) {
      EXPECT_EQ(*result, picture) << size;  // only the end marks are missing
    }
  }
}

TEST(Png, EveryFlippedByteIsSurvived) {
  const std::string file = *encode_png(testing::noise_picture(8, 8, 4), {{"Dream", "a cat"}});
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (const int bits : {0x01, 0x80, 0xFF}) {
      std::string broken = file;
      broken[i] = static_cast<char>(broken[i] ^ bits);
      (void)decode_png(broken);
      (void)read_png_text(broken);
    }
  }
}

TEST(Png, HugeClaimsAreRefusedBeforeAnythingIsAllocated) {
  const auto over_limit = decode_png(png(header(0x7FFFFFFF, 0x7FFFFFFF, 8, 6), "x"));
  ASSERT_FALSE(over_limit);
  EXPECT_EQ(over_limit.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(over_limit.error().message.find("2147483647 x 2147483647"), std::string::npos);
  const auto tiny = decode_png(png(header(13000, 13000, 8, 6), "x"));
  ASSERT_FALSE(tiny);
  EXPECT_EQ(tiny.error().code, ErrorCode::bad_file);
  EXPECT_NE(tiny.error().message.find("13000 x 13000"), std::string::npos);
}

TEST(Png, LimitIsConfigurable) {
  const std::string file = *encode_png(Image(10, 10, 3));
  EXPECT_TRUE(decode_png(file, {.max_pixels = 100}));
  EXPECT_FALSE(decode_png(file, {.max_pixels = 99}));
}

TEST(Png, HighlyCompressedPictureIsNotMistakenForDamage) {
  EXPECT_TRUE(decode_png(*encode_png(Image(3000, 3000, 3), {}, 9)));
}

}  // namespace
}  // namespace invokeai::image
