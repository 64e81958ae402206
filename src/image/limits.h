#pragma once
// How large a picture we are willing to decode, whatever its header claims.

#include <cstdint>

#include "base/result.h"

namespace invokeai::image {

struct DecodeLimits {
  /// Width times height. The default is where Pillow, and so the original, refuses a picture.
  std::uint64_t max_pixels = 178'956'970;
};

/// Errors: bad_file when a side is 0, invalid_argument when the picture is over the limit.
inline Result<> check_size(std::uint64_t width, std::uint64_t height, const DecodeLimits& limits) {
  if (width == 0 || height == 0)
    return fail(ErrorCode::bad_file, "image.read", "its header claims {} x {} pixels", width,
                height);
  if (width > limits.max_pixels / height)
    return fail(ErrorCode::invalid_argument, "image.read",
                "{} x {} pixels, at most {} in all are accepted here; scale it down first", width,
                height, limits.max_pixels);
  return {};
}

}  // namespace invokeai::image
