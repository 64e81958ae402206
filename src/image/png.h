#pragma once
// PNG: pixels in and out, and the text chunks that carry the picture's story.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/image.h"
#include "image/limits.h"

namespace invokeai::image {

/// One text of a PNG, both parts UTF-8. Keywords are 1..79 Latin-1 characters.
struct TextChunk {
  std::string keyword;
  std::string text;
  bool operator==(const TextChunk&) const = default;
};
using TextChunks = std::vector<TextChunk>;

/// An 8-bit PNG, not interlaced. Each text stands uncompressed before the pixels: tEXt when it is
/// Latin-1, else iTXt (cli spec 5); NUL and broken UTF-8 in it become U+FFFD. No time is stored, so
/// equal input gives equal bytes.
///   compression  zlib level 0..9
/// Errors: invalid_argument (compression, keyword, impossible picture), internal (libpng gave up).
Result<std::string> encode_png(const Image& picture, const TextChunks& texts = {},
                               int compression = 6);

/// The pixels as 8 bits a channel: palettes are resolved, 16 bits rounded to 8, grey with alpha and
/// transparent colours become RGBA, an EXIF orientation before the pixels is applied.
/// Errors: bad_file, invalid_argument (over the limits).
Result<Image> decode_png(std::string_view bytes, const DecodeLimits& limits = {});

/// All tEXt, zTXt and iTXt chunks in file order, wherever they stand; no pixel is decoded. Chunks
/// with a wrong checksum are left out, and a truncated file gives what stands before its end.
/// Compressed texts may expand to 16 MiB in all. Errors: bad_file when it is no PNG.
Result<TextChunks> read_png_text(std::string_view bytes);

}  // namespace invokeai::image
