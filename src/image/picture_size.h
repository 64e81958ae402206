#pragma once
// How large a picture is, from its first bytes alone.

#include <string_view>

#include "base/result.h"

namespace invokeai::image {

struct PictureSize {
  int width = 0;   ///< pixels
  int height = 0;  ///< pixels
  bool operator==(const PictureSize&) const = default;
};

/// As stored, before an EXIF orientation. `head` are the first bytes of a PNG, JPEG or WebP; 64 KiB
/// are enough for all but JPEGs with long comments. Errors: unsupported (another kind of file),
/// bad_file (no size in there).
Result<PictureSize> read_picture_size(std::string_view head);

}  // namespace invokeai::image
