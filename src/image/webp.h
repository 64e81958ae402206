#pragma once
// WebP: still pictures and first frames in, thumbnails out.

#include <string>
#include <string_view>

#include "base/result.h"
#include "image/image.h"
#include "image/limits.h"

namespace invokeai::image {

/// RGB, or RGBA when the file has alpha. Of an animation the first frame, on its canvas. An EXIF
/// orientation is applied. Errors: bad_file, invalid_argument (over the limits).
Result<Image> decode_webp(std::string_view bytes, const DecodeLimits& limits = {});

/// Lossy WebP; grey is stored as RGB.
///   quality  0..100
/// Errors: invalid_argument (quality, sides over 16,383 pixels), out_of_memory.
Result<std::string> encode_webp(const Image& picture, double quality = 80);

}  // namespace invokeai::image
