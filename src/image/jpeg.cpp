#include "image/jpeg.h"

// jpeglib.h needs FILE declared before it.
#include <cstdio>
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <algorithm>
#include <csetjmp>
#include <memory>

#include "image/convert.h"
#include "image/orientation.h"

// libjpeg's errors jump like libpng's, and the same rule holds (see png.cpp): what has a destructor
// lives in Decoder or Encoder, never in a function that calls setjmp.

namespace invokeai::image {
namespace {

constexpr int kMaxScans = 500;  // real progressive files have about ten; thousands only cost time

/// libjpeg's error manager plus where to jump and what to say.
struct Failure {
  jpeg_error_mgr manager{};
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = "";
};

[[noreturn]] void on_error(j_common_ptr info) {
  auto* failure = reinterpret_cast<Failure*>(info->err);
  info->err->format_message(info, failure->message);
  std::longjmp(failure->jump, 1);
}

void ignore_message(j_common_ptr) {}

jpeg_error_mgr* install(Failure& failure) {
  jpeg_std_error(&failure.manager);
  failure.manager.error_exit = on_error;
  failure.manager.output_message = ignore_message;
  return &failure.manager;
}

/// libjpeg would invent an end and fill the rest with grey; a truncated picture is an error here.
boolean refuse_to_invent(j_decompress_ptr info) {
  ERREXIT(info, JERR_INPUT_EOF);
  return FALSE;
}

void count_scans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
  auto* failure = reinterpret_cast<Failure*>(info->err);
  std::snprintf(failure->message, sizeof(failure->message), "more than %d scans", kMaxScans);
  std::longjmp(failure->jump, 1);
}

struct Decoder {
  Failure failure;
  jpeg_decompress_struct info{};
  jpeg_progress_mgr progress{};
  int orientation = 1;
  Image picture;

  Decoder() { info.err = install(failure); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { jpeg_destroy_decompress(&info); }
};

bool read_header(Decoder& decoder, std::string_view bytes) {
  if (setjmp(decoder.failure.jump)) return false;
  jpeg_decompress_struct& info = decoder.info;
  jpeg_create_decompress(&info);
  decoder.progress.progress_monitor = count_scans;
  info.progress = &decoder.progress;
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  info.src->fill_input_buffer = refuse_to_invent;
  jpeg_save_markers(&info, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&info, TRUE);
  for (auto* marker = info.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (data.starts_with("Exif")) decoder.orientation = exif_orientation(data);
  }
  return true;
}

J_COLOR_SPACE delivered_space(J_COLOR_SPACE stored) {
  if (stored == JCS_GRAYSCALE) return JCS_GRAYSCALE;
  return stored == JCS_CMYK || stored == JCS_YCCK ? JCS_CMYK : JCS_RGB;
}

bool read_pixels(Decoder& decoder) {
  if (setjmp(decoder.failure.jump)) return false;
  jpeg_decompress_struct& info = decoder.info;
  jpeg_start_decompress(&info);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = decoder.picture.at(0, static_cast<int>(info.output_scanline));
    jpeg_read_scanlines(&info, &row, 1);
  }
  return true;
}

/// [h,w,4] inverted CMYK to RGB: each colour is what ink of its own and black let through.
Image rgb_from_cmyk(const Image& cmyk) {
  Image rgb(cmyk.width, cmyk.height, 3);
  const std::uint8_t* from = cmyk.pixels.data();
  for (auto to = rgb.pixels.begin(); to != rgb.pixels.end(); to += 3, from += 4) {
    const int light = from[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - from[c]) * light + 128;
      to[c] = static_cast<std::uint8_t>(std::max(0, light - ((product + (product >> 8)) >> 8)));
    }
  }
  return rgb;
}

tl::unexpected<Error> damaged(const Decoder& decoder) {
  return fail(ErrorCode::bad_file, "jpeg.read", "damaged JPEG ({}); fetch or make the file again",
              decoder.failure.message);
}

struct Encoder {
  Failure failure;
  jpeg_compress_struct info{};
  unsigned char* memory = nullptr;
  unsigned long size = 0;

  Encoder() { info.err = install(failure); }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  ~Encoder() {
    jpeg_destroy_compress(&info);
    std::free(memory);
  }
};

bool write_all(Encoder& encoder, const Image& picture, int quality) {
  if (setjmp(encoder.failure.jump)) return false;
  jpeg_compress_struct& info = encoder.info;
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &encoder.memory, &encoder.size);
  info.image_width = static_cast<JDIMENSION>(picture.width);
  info.image_height = static_cast<JDIMENSION>(picture.height);
  info.input_components = picture.channels;
  info.in_color_space = picture.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPROW>(picture.at(0, static_cast<int>(info.next_scanline)));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  return true;
}

}  // namespace

Result<Image> decode_jpeg(std::string_view bytes, const DecodeLimits& limits) {
  Decoder decoder;
  if (!read_header(decoder, bytes)) return damaged(decoder);
  jpeg_decompress_struct& info = decoder.info;
  TRY_VOID(check_size(info.image_width, info.image_height, limits));
  info.out_color_space = delivered_space(info.jpeg_color_space);
  const int channels = info.out_color_space == JCS_GRAYSCALE ? 1
                       : info.out_color_space == JCS_CMYK    ? 4
                                                             : 3;
  decoder.picture =
      Image(static_cast<int>(info.image_width), static_cast<int>(info.image_height), channels);
  if (!read_pixels(decoder)) return damaged(decoder);
  return apply_orientation(
      channels == 4 ? rgb_from_cmyk(decoder.picture) : std::move(decoder.picture),
      decoder.orientation);
}

Result<std::string> encode_jpeg(const Image& picture, int quality) {
  if (quality < 1 || quality > 100)
    return fail(ErrorCode::invalid_argument, "jpeg.write", "JPEG quality {} is outside 1 to 100",
                quality);
  if (picture.pixels.empty() || std::max(picture.width, picture.height) > JPEG_MAX_DIMENSION)
    return fail(ErrorCode::invalid_argument, "jpeg.write",
                "JPEG holds sides of 1 to {} pixels, this picture has {} x {}; use PNG",
                JPEG_MAX_DIMENSION, picture.width, picture.height);
  const Image opaque = with_channels(picture, picture.channels == 1 ? 1 : 3);
  Encoder encoder;
  if (!write_all(encoder, opaque, quality))
    return fail(ErrorCode::internal, "jpeg.write", "cannot write the JPEG: {}",
                encoder.failure.message);
  return std::string(reinterpret_cast<const char*>(encoder.memory), encoder.size);
}

}  // namespace invokeai::image
