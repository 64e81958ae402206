#include "image/internal/file_texts.h"

#include <algorithm>

#include "image/codec.h"
#include "image/internal/tiff_block.h"
#include "image/internal/utf8.h"

namespace invokeai::image {
namespace {

constexpr std::uint32_t kExifDirectory = 0x8769;
constexpr std::uint32_t kUserCommentTag = 0x9286;
constexpr std::uint32_t kAsciiType = 2;
constexpr std::size_t kMaxText = std::size_t{16} << 20;

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

/// The standard names no byte order. A mark at the start tells; else the zero bytes of the ASCII
/// characters do, which every such text has; else it is big-endian.
bool is_big_endian(std::string_view utf16) {
  if (utf16.starts_with("\xFE\xFF")) return true;
  if (utf16.starts_with("\xFF\xFE")) return false;
  std::size_t zeros[2] = {0, 0};
  for (std::size_t i = 0; i < utf16.size(); ++i) zeros[i % 2] += utf16[i] == '\0';
  return zeros[0] >= zeros[1];
}

std::string utf8_from_utf16(std::string_view utf16) {
  const bool big = is_big_endian(utf16);
  const auto unit = [&](std::size_t i) {
    const auto first = static_cast<std::uint8_t>(utf16[i]);
    const auto second = static_cast<std::uint8_t>(utf16[i + 1]);
    return static_cast<char32_t>(big ? first << 8 | second : second << 8 | first);
  };
  std::string text;
  for (std::size_t i = 0; i + 1 < utf16.size(); i += 2) {
    char32_t point = unit(i);
    if (i == 0 && point == 0xFEFF) continue;
    const bool high = point >= 0xD800 && point < 0xDC00;
    if (high && i + 3 < utf16.size() && (unit(i + 2) & 0xFC00) == 0xDC00) {
      point = 0x10000 + ((point - 0xD800) << 10) + (unit(i + 2) - 0xDC00);
      i += 2;
    } else if (point >= 0xD800 && point < 0xE000) {
      point = kReplacement;
    }
    append_utf8(text, point);
  }
  return text;
}

std::string valid_utf8(std::string_view bytes) {
  std::string text;
  for_each_code_point(bytes, [&](char32_t point) { append_utf8(text, point); });
  return text;
}

/// Eight bytes name the encoding, the text follows.
std::string user_comment(std::string_view value) {
  constexpr std::size_t kPrefix = 8;
  const std::string_view text = value.substr(std::min(kPrefix, value.size()));
  return value.starts_with("UNICODE") ? utf8_from_utf16(text) : valid_utf8(text);
}

class ExifReader {
 public:
  explicit ExifReader(std::string_view exif) : block_(exif) {}

  TextChunks read() {
    if (block_.valid()) read_directory(block_.number(4, 4), true);
    return std::move(texts_);
  }

 private:
  void read_directory(std::size_t offset, bool outer) {
    block_.for_each_entry(offset, [&](std::uint32_t tag, std::size_t entry) {
      if (outer && tag == kExifDirectory) {
        read_directory(block_.number(entry + 8, 4), false);
      } else if (tag == kUserCommentTag) {
        add(std::string(kUserComment), user_comment(value_of(entry)));
      } else if (block_.number(entry + 2, 2) == kAsciiType) {
        add_named(value_of(entry));
      }
    });
  }

  /// Of the types that count in bytes; short values stand in the entry itself.
  std::string_view value_of(std::size_t entry) const {
    const std::size_t count = block_.number(entry + 4, 4);
    return block_.bytes(count <= 4 ? entry + 8 : block_.number(entry + 8, 4), count);
  }

  void add_named(std::string_view value) {
    const std::size_t colon = value.find(":{");
    if (colon == std::string_view::npos || colon == 0 || colon > 20) return;
    std::string name(value.substr(0, colon));
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    value.remove_prefix(colon + 1);
    while (value.ends_with('\0')) value.remove_suffix(1);
    add(std::move(name), valid_utf8(value));
  }

  /// Many entries may point to one long text, so all together are bounded.
  void add(std::string name, std::string text) {
    if (text.empty() || text.size() > budget_) return;
    budget_ -= text.size();
    texts_.push_back({std::move(name), std::move(text)});
  }

  TiffBlock block_;
  std::size_t budget_ = kMaxText;
  TextChunks texts_;
};

/// The EXIF block of a JPEG: segments up to the pixels, each with a two-byte length.
std::string_view jpeg_exif(std::string_view bytes) {
  bytes.remove_prefix(2);
  while (bytes.size() >= 4 && bytes[0] == '\xFF') {
    if (bytes[1] == '\xFF') {  // fill byte
      bytes.remove_prefix(1);
      continue;
    }
    if (bytes[1] == '\xDA' || bytes[1] == '\xD9') break;
    const std::size_t length =
        std::size_t{static_cast<std::uint8_t>(bytes[2])} << 8 | static_cast<std::uint8_t>(bytes[3]);
    if (length < 2 || length > bytes.size() - 2) break;
    const std::string_view data = bytes.substr(4, length - 2);
    if (bytes[1] == '\xE1' && data.starts_with(std::string_view("Exif\0\0", 6))) return data;
    bytes.remove_prefix(2 + length);
  }
  return {};
}

/// The EXIF chunk of a WebP; chunks are padded to even lengths.
std::string_view webp_exif(std::string_view bytes) {
  bytes.remove_prefix(12);
  while (bytes.size() >= 8) {
    const std::size_t length = little_endian(bytes.substr(4));
    if (length > bytes.size() - 8) break;
    if (bytes.starts_with("EXIF")) return bytes.substr(8, length);
    bytes.remove_prefix(std::min(bytes.size(), 8 + length + length % 2));
  }
  return {};
}

}  // namespace

Result<TextChunks> file_texts(std::string_view bytes) {
  const auto format = detect_format(bytes);
  if (!format)
    return fail(ErrorCode::unsupported, "metadata.read",
                "not a picture we can read; wanted PNG, JPEG or WebP");
  if (*format == PictureFormat::png) return read_png_text(bytes);
  return ExifReader(*format == PictureFormat::jpeg ? jpeg_exif(bytes) : webp_exif(bytes)).read();
}

}  // namespace invokeai::image
