#pragma once
// One door for pictures of any kind: the content decides, never the name.

#include <optional>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "image/image.h"
#include "image/limits.h"

namespace invokeai::image {

enum class PictureFormat { png, jpeg, webp };

/// Told by the first bytes.
std::optional<PictureFormat> detect_format(std::string_view bytes);

/// Decodes PNG, JPEG or WebP to 1, 3 or 4 channels, upright. `name` leads every message, e.g.
/// "photo.png: not a picture we can read (starts with 'hello...'); wanted PNG, JPEG or WebP".
/// Errors: bad_file, unsupported (another kind of file), invalid_argument (over the limits).
Result<Image> decode_image(std::string_view bytes, std::string_view name,
                           const DecodeLimits& limits = {});

/// The same for a file; also not_found and io.
Result<Image> load_image(const fs::path& path, const DecodeLimits& limits = {});

}  // namespace invokeai::image
