#include "image/picture_size.h"

#include <webp/decode.h>

#include <cstdint>
#include <optional>

#include "image/codec.h"

namespace invokeai::image {
namespace {

std::uint32_t big_endian(std::string_view bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::optional<PictureSize> png_size(std::string_view head) {
  if (head.size() < 24 || head.substr(12, 4) != "IHDR") return std::nullopt;
  return PictureSize{static_cast<int>(big_endian(head, 16, 4)),
                     static_cast<int>(big_endian(head, 20, 4))};
}

/// Walks the segments up to the frame header: SOF0..SOF15 without DHT, JPG and DAC.
std::optional<PictureSize> jpeg_size(std::string_view head) {
  std::size_t at = 2;
  while (at + 9 <= head.size()) {
    if (static_cast<unsigned char>(head[at]) != 0xff) return std::nullopt;
    const auto marker = static_cast<unsigned char>(head[at + 1]);
    if (marker == 0xff) {  // filler
      ++at;
      continue;
    }
    const bool frame =
        marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (frame)
      return PictureSize{static_cast<int>(big_endian(head, at + 7, 2)),
                         static_cast<int>(big_endian(head, at + 5, 2))};
    at += 2 + big_endian(head, at + 2, 2);
  }
  return std::nullopt;
}

std::optional<PictureSize> webp_size(std::string_view head) {
  PictureSize size;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(head.data());
  if (WebPGetInfo(bytes, head.size(), &size.width, &size.height) == 0) return std::nullopt;
  return size;
}

}  // namespace

Result<PictureSize> read_picture_size(std::string_view head) {
  const auto format = detect_format(head);
  if (!format) return fail(ErrorCode::unsupported, "image.size", "neither PNG, JPEG nor WebP");
  const auto size = *format == PictureFormat::png    ? png_size(head)
                    : *format == PictureFormat::jpeg ? jpeg_size(head)
                                                     : webp_size(head);
  if (!size || size->width < 1 || size->height < 1)
    return fail(ErrorCode::bad_file, "image.size", "damaged picture: its header holds no size");
  return *size;
}

}  // namespace invokeai::image
