#pragma once
// The texts of a picture file, whatever its format.

#include <string_view>

#include "base/result.h"
#include "image/png.h"

namespace invokeai::image {

inline constexpr std::string_view kUserComment = "UserComment";

/// PNG: its text chunks. JPEG and WebP: from EXIF the UserComment under that name, and texts such
/// as "Prompt:{...}", ComfyUI's way, under the word before the colon in lower case. No pixel is
/// decoded; damaged parts are left out. Errors: unsupported for other kinds of file.
Result<TextChunks> file_texts(std::string_view bytes);

}  // namespace invokeai::image
