#pragma once
// PNG as a row of chunks, without looking at pixels.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/png.h"

namespace invokeai::image {

inline constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";

std::uint32_t big_endian(std::string_view four_bytes);

struct PngChunk {
  std::string_view type;  ///< four letters
  std::string_view data;
  std::string_view whole;  ///< with length, type and checksum
  bool intact = false;     ///< the checksum holds
};

/// The chunk at the start of `rest` (what follows the signature), which is taken off; nothing at
/// the end of the file, or when it is cut off.
std::optional<PngChunk> take_chunk(std::string_view& rest);

struct LatinOrUtf8 {
  std::string bytes;
  bool latin1 = true;
};

/// Latin-1 when every character fits, else UTF-8; NUL and broken UTF-8 become U+FFFD.
LatinOrUtf8 encode_text(std::string_view text);

/// As Latin-1. Errors: invalid_argument when it is not 1 to 79 printable characters.
Result<std::string> encode_keyword(const std::string& keyword);

/// One text as a whole chunk: tEXt when it is Latin-1, else iTXt. Errors as encode_keyword, and
/// texts beyond 2 GiB.
Result<std::string> encode_text_chunk(const TextChunk& chunk);

}  // namespace invokeai::image
