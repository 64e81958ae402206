#include "image/codec.h"

#include "image/jpeg.h"
#include "image/png.h"
#include "image/webp.h"

namespace invokeai::image {
namespace {

constexpr std::size_t kShownBytes = 12;

/// The first bytes in quotes; what is not printable ASCII shows as \xNN.
std::string quoted_start(std::string_view bytes) {
  std::string text = "'";
  for (const char c : bytes.substr(0, kShownBytes)) {
    if (c >= 0x20 && c < 0x7F)
      text += c;
    else
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return text + (bytes.size() > kShownBytes ? "…'" : "'");
}

Result<Image> decode(std::string_view bytes, const DecodeLimits& limits) {
  const auto format = detect_format(bytes);
  if (!format && bytes.empty())
    return fail(ErrorCode::bad_file, "image.read", "is empty; wanted PNG, JPEG or WebP");
  if (!format)
    return fail(ErrorCode::unsupported, "image.read",
                "not a picture we can read (starts with {}); wanted PNG, JPEG or WebP",
                quoted_start(bytes));
  switch (*format) {
    case PictureFormat::png:
      return decode_png(bytes, limits);
    case PictureFormat::jpeg:
      return decode_jpeg(bytes, limits);
    case PictureFormat::webp:
      return decode_webp(bytes, limits);
  }
  return fail(ErrorCode::internal, "image.read", "unknown format");
}

}  // namespace

std::optional<PictureFormat> detect_format(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return PictureFormat::png;
  if (bytes.starts_with("\xFF\xD8\xFF")) return PictureFormat::jpeg;
  if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP")
    return PictureFormat::webp;
  return std::nullopt;
}

Result<Image> decode_image(std::string_view bytes, std::string_view name,
                           const DecodeLimits& limits) {
  auto picture = decode(bytes, limits);
  if (!picture) picture.error().message = fmt::format("{}: {}", name, picture.error().message);
  return picture;
}

Result<Image> load_image(const fs::path& path, const DecodeLimits& limits) {
  TRY_ASSIGN(const std::string bytes, read_file(path));
  return decode_image(bytes, path.string(), limits);
}

}  // namespace invokeai::image
