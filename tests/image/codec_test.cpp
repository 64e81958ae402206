#include "image/codec.h"

// jpeglib.h needs FILE declared before it.
#include <cstdio>
// clang-format off
#include <jpeglib.h>
// clang-format on
#include <gtest/gtest.h>
#include <webp/encode.h>

#include <cstdlib>
#include <fstream>

#include "image/convert.h"
#include "image/jpeg.h"
#include "image/orientation.h"
#include "image/pictures.h"
#include "image/png.h"
#include "image/png_builder.h"
#include "image/webp.h"

namespace invokeai::image {
namespace {

using testing::gradient_picture;
using testing::raw;

int largest_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  int largest = 0;
  for (std::size_t i = 0; i < std::min(a.pixels.size(), b.pixels.size()); ++i)
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

/// TIFF block in little-endian order with one entry: the orientation.
std::string exif(int orientation) {
  return raw("Exif\0\0II\x2A\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0") +
         static_cast<char>(orientation) + std::string(7, '\0');
}

std::string with_app1(const std::string& jpeg, const std::string& data) {
  const auto size = data.size() + 2;
  return jpeg.substr(0, 2) + "\xFF\xE1" + static_cast<char>(size >> 8) + static_cast<char>(size) +
         data + jpeg.substr(2);
}

/// One flat block of CMYK, stored as given (Adobe: 255 = no ink), in YCCK when asked.
std::string cmyk_jpeg(const std::vector<std::uint8_t>& color, bool ycck) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = info.image_height = 8;
  info.input_components = 4;
  info.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&info);
  if (ycck) jpeg_set_colorspace(&info, JCS_YCCK);
  jpeg_set_quality(&info, 100, TRUE);
  jpeg_start_compress(&info, TRUE);
  std::vector<std::uint8_t> row;
  for (int x = 0; x < 8; ++x) row.insert(row.end(), color.begin(), color.end());
  JSAMPROW rows = row.data();
  while (info.next_scanline < 8) jpeg_write_scanlines(&info, &rows, 1);
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string bytes(reinterpret_cast<char*>(memory), size);
  std::free(memory);
  return bytes;
}

std::string little_endian(std::uint32_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> 8 * i);
  return bytes;
}

std::string riff_chunk(const std::string& name, const std::string& data) {
  return name + little_endian(static_cast<std::uint32_t>(data.size()), 4) + data +
         std::string(data.size() % 2, '\0');
}

std::string riff(const std::string& chunks) { return riff_chunk("RIFF", "WEBP" + chunks); }

/// Lossless, so that pixels can be compared; without the RIFF header around it.
std::string lossless_frame(const Image& picture) {
  std::uint8_t* memory = nullptr;
  const auto size = WebPEncodeLosslessRGBA(picture.pixels.data(), picture.width, picture.height,
                                           picture.width * 4, &memory);
  std::string bytes(reinterpret_cast<char*>(memory), size);
  WebPFree(memory);
  return bytes.substr(12);
}

std::string extended_header(int flags, int width, int height) {
  return riff_chunk("VP8X", little_endian(static_cast<std::uint32_t>(flags), 4) +
                                little_endian(static_cast<std::uint32_t>(width - 1), 3) +
                                little_endian(static_cast<std::uint32_t>(height - 1), 3));
}

std::string animation_frame(const Image& picture, int x, int y) {
  return riff_chunk("ANMF", little_endian(static_cast<std::uint32_t>(x / 2), 3) +
                                little_endian(static_cast<std::uint32_t>(y / 2), 3) +
                                little_endian(static_cast<std::uint32_t>(picture.width - 1), 3) +
                                little_endian(static_cast<std::uint32_t>(picture.height - 1), 3) +
                                little_endian(100, 3) + '\0' + lossless_frame(picture));
}

TEST(Jpeg, ColourAndGreyComeBackClosely) {
  for (const int channels : {1, 3}) {
    const Image picture = gradient_picture(64, 48, channels);
    const auto decoded = decode_jpeg(*encode_jpeg(picture, 95));
    ASSERT_TRUE(decoded) << decoded.error().text();
    EXPECT_EQ(decoded->channels, channels);
    EXPECT_LE(largest_difference(*decoded, picture), 12);
  }
}

TEST(Jpeg, QualityDecidesTheSize) {
  const Image picture = testing::noise_picture(64, 64, 3);
  EXPECT_LT(encode_jpeg(picture, 10)->size(), encode_jpeg(picture, 90)->size());
  EXPECT_FALSE(encode_jpeg(picture, 0));
  EXPECT_FALSE(encode_jpeg(picture, 101));
  EXPECT_FALSE(encode_jpeg(Image(70000, 1, 1)));
}

TEST(Jpeg, InvertedCmykBecomesRgb) {
  for (const bool ycck : {false, true}) {
    const auto red = decode_jpeg(cmyk_jpeg({255, 0, 0, 255}, ycck));  // no cyan, all else, no black
    ASSERT_TRUE(red) << red.error().text();
    EXPECT_LE(largest_difference(*red,
                                 [] {
                                   Image expected(8, 8, 3);
                                   for (std::size_t i = 0; i < expected.pixels.size(); i += 3)
                                     expected.pixels[i] = 255;
                                   return expected;
                                 }()),
              2);
    const auto grey = decode_jpeg(cmyk_jpeg({255, 255, 255, 100}, ycck));
    EXPECT_NEAR(grey->pixels[0], 100, 1);
  }
}

TEST(Jpeg, ExifOrientationIsApplied) {
  const std::string file = *encode_jpeg(gradient_picture(32, 16, 3), 95);
  const Image upright = *decode_jpeg(file);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const auto turned = decode_jpeg(with_app1(file, exif(orientation)));
    ASSERT_TRUE(turned) << turned.error().text();
    EXPECT_EQ(*turned, apply_orientation(upright, orientation));
    EXPECT_EQ(turned->width, orientation >= 5 ? 16 : 32);
  }
}

TEST(Jpeg, TruncatedFilesAreAnError) {
  const std::string file = *encode_jpeg(gradient_picture(24, 24, 3));
  for (std::size_t size = 0; size + 8 < file.size(); ++size) {
    const auto picture = decode_jpeg(std::string_view(file).substr(0, size));
    ASSERT_FALSE(picture) << size;
    EXPECT_EQ(picture.error().code, ErrorCode::bad_file);
  }
}

TEST(Jpeg, EveryFlippedByteIsSurvived) {
  const std::string file = with_app1(*encode_jpeg(gradient_picture(16, 16, 3)), exif(6));
  for (std::size_t i = 0; i < file.size(); ++i) {
    std::string broken = file;
    broken[i] = static_cast<char>(~broken[i]);
    (void)decode_jpeg(broken, {.max_pixels = 1'000'000});
  }
}

TEST(Webp, ColourAndAlphaComeBackClosely) {
  for (const int channels : {3, 4}) {
    Image picture = gradient_picture(64, 48, channels);
    if (channels == 4) picture.at(3, 3)[3] = 128;
    const auto decoded = decode_webp(*encode_webp(picture, 95));
    ASSERT_TRUE(decoded) << decoded.error().text();
    EXPECT_EQ(decoded->channels, channels);
    EXPECT_EQ(decoded->width, 64);
    if (channels == 4) {
      EXPECT_EQ(decoded->at(3, 3)[3], 128);
    } else {
      EXPECT_LE(largest_difference(*decoded, picture), 20);
    }
  }
}

TEST(Webp, QualityAndSizeAreChecked) {
  const Image picture = testing::noise_picture(64, 64, 3);
  EXPECT_LT(encode_webp(picture, 10)->size(), encode_webp(picture, 90)->size());
  EXPECT_FALSE(encode_webp(picture, 101));
  EXPECT_FALSE(encode_webp(picture, -1));
  EXPECT_FALSE(encode_webp(Image(16384, 1, 3)));
}

TEST(Webp, FirstFrameOfAnAnimationIsPlacedOnItsCanvas) {
  const Image frame = gradient_picture(4, 3, 4);
  const std::string file =
      riff(extended_header(0x12, 10, 8) + riff_chunk("ANIM", std::string(6, '\0')) +
           animation_frame(frame, 2, 4) + animation_frame(gradient_picture(10, 8, 4), 0, 0));
  const auto picture = decode_webp(file);
  ASSERT_TRUE(picture) << picture.error().text();
  Image expected(10, 8, 4);
  for (int y = 0; y < 3; ++y) std::copy_n(frame.at(0, y), 16, expected.at(2, 4 + y));
  EXPECT_EQ(*picture, expected);
}

TEST(Webp, ExifOrientationIsApplied) {
  const Image frame = gradient_picture(6, 4, 4);
  const auto picture = decode_webp(riff(extended_header(0x08, 6, 4) + lossless_frame(frame) +
                                        riff_chunk("EXIF", exif(8).substr(6))));
  ASSERT_TRUE(picture) << picture.error().text();
  EXPECT_EQ(*picture, apply_orientation(with_channels(frame, picture->channels), 8));
  EXPECT_EQ(picture->width, 4);
}

TEST(Webp, TruncatedAndFlippedFilesAreSurvived) {
  const std::string file = *encode_webp(gradient_picture(16, 16, 4));
  for (std::size_t size = 0; size + 2 < file.size(); ++size)
    EXPECT_FALSE(decode_webp(std::string_view(file).substr(0, size))) << size;
  for (std::size_t i = 0; i < file.size(); ++i) {
    std::string broken = file;
    broken[i] = static_cast<char>(~broken[i]);
    (void)decode_webp(broken, {.max_pixels = 1'000'000});
  }
}

TEST(Orientation, EveryValueTurnsTheFirstPixelToItsPlace) {
  Image picture(3, 2, 1);
  picture.at(0, 0)[0] = 9;
  const int places[9][2] = {{}, {0, 0}, {2, 0}, {2, 1}, {0, 1}, {0, 0}, {1, 0}, {1, 2}, {0, 2}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image turned = apply_orientation(picture, orientation);
    EXPECT_EQ(turned.width, orientation >= 5 ? 2 : 3);
    EXPECT_EQ(turned.at(places[orientation][0], places[orientation][1])[0], 9) << orientation;
  }
}

TEST(Orientation, DamagedBlocksMeanUpright) {
  const std::string whole = exif(6);
  EXPECT_EQ(exif_orientation(whole), 6);
  for (std::size_t size = 0; size + 8 < whole.size(); ++size)
    EXPECT_EQ(exif_orientation(std::string_view(whole).substr(0, size)), 1) << size;
  EXPECT_EQ(exif_orientation(exif(0)), 1);
  EXPECT_EQ(exif_orientation(exif(9)), 1);
  std::string far = whole;
  far.replace(10, 4, "\xFF\xFF\xFF\xFF");  // directory beyond the end
  EXPECT_EQ(exif_orientation(far), 1);
}

TEST(Convert, GreyFollowsTheLumaOfPillow) {
  Image color(3, 1, 3);
  color.pixels = {255, 0, 0, 0, 255, 0, 0, 0, 255};
  EXPECT_EQ(with_channels(color, 1).pixels, (std::vector<std::uint8_t>{76, 150, 29}));
  EXPECT_EQ(with_channels(with_channels(color, 4), 3), color);
  EXPECT_EQ(with_channels(color, 4).at(1, 0)[3], 255);
  Image grey(1, 1, 1);
  grey.pixels = {7};
  EXPECT_EQ(with_channels(grey, 4).pixels, (std::vector<std::uint8_t>{7, 7, 7, 255}));
}

TEST(Codec, ContentDecidesNotTheName) {
  const Image picture = gradient_picture(8, 8, 3);
  EXPECT_EQ(detect_format(*encode_png(picture)), PictureFormat::png);
  EXPECT_EQ(detect_format(*encode_jpeg(picture)), PictureFormat::jpeg);
  EXPECT_EQ(detect_format(*encode_webp(picture)), PictureFormat::webp);
  EXPECT_TRUE(decode_image(*encode_webp(picture), "misnamed.png"));
  EXPECT_TRUE(decode_image(*encode_jpeg(picture), "misnamed.png"));
}

TEST(Codec, MessagesNameTheFileAndWhatIsWrong) {
  const auto message = [](const std::string& bytes) {
    return decode_image(bytes, "photo.png").error().message;
  };
  EXPECT_EQ(
      message("hello, world of text"),
      "photo.png: not a picture we can read (starts with 'hello, world…'); wanted PNG, JPEG or "
      "WebP");
  EXPECT_EQ(message("\x01\n"),
            "photo.png: not a picture we can read (starts with '\\x01\\x0a'); "
            "wanted PNG, JPEG or WebP");
  EXPECT_EQ(message(""), "photo.png: is empty; wanted PNG, JPEG or WebP");
  EXPECT_EQ(message("\xFF\xD8\xFF"),
            "photo.png: damaged JPEG (Premature end of input file); fetch or make the file again");
}

TEST(Codec, FilesAreReadAndNamed) {
  const fs::path folder = fs::path(::testing::TempDir()) / "codec_test";
  fs::create_directories(folder);
  const Image picture = gradient_picture(5, 4, 3);
  ASSERT_TRUE(write_file_atomically(folder / "a.jpg", *encode_png(picture)));
  EXPECT_EQ(*load_image(folder / "a.jpg"), picture);
  EXPECT_EQ(load_image(folder / "a.jpg", {.max_pixels = 19}).error().code,
            ErrorCode::invalid_argument);
  const auto missing = load_image(folder / "missing.png");
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_NE(missing.error().message.find("missing.png"), std::string::npos);
  EXPECT_FALSE(load_image(folder));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace invokeai::image
