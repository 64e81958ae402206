#pragma once
// Small copies for lists, made when they are first asked for.

#include <optional>

#include "base/file.h"
#include "base/result.h"

namespace invokeai::gallery {

/// The one that was made before, if it was.
std::optional<fs::path> find_thumbnail(const fs::path& picture, const fs::path& cache,
                                       int side = 256);

/// The WebP thumbnail of a picture below `cache`, made if it is not there: within `side` x `side`
/// pixels, never enlarged, quality 80 (web spec 1.3). A picture that changes gets another one. Safe
/// to call from several threads and programs. Errors: those of image::load_image() and writing.
Result<fs::path> ensure_thumbnail(const fs::path& picture, const fs::path& cache, int side = 256);

}  // namespace invokeai::gallery
