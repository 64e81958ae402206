#pragma once
// JPEG: decoding of everything cameras and editors write, encoding for export.

#include <string>
#include <string_view>

#include "base/result.h"
#include "image/image.h"
#include "image/limits.h"

namespace invokeai::image {

/// Grey (1 channel) or RGB. CMYK and YCCK are taken as Adobe writes them (inverted) and turned into
/// RGB as Pillow does, without a colour profile; an EXIF orientation is applied.
/// Errors: bad_file (damaged or truncated), invalid_argument (over the limits).
Result<Image> decode_jpeg(std::string_view bytes, const DecodeLimits& limits = {});

/// Baseline JPEG with colours at half resolution; alpha is dropped.
///   quality  1..100
/// Errors: invalid_argument (quality, sides over 65,500 pixels), internal.
Result<std::string> encode_jpeg(const Image& picture, int quality = 75);

}  // namespace invokeai::image
