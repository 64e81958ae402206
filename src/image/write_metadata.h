#pragma once
// A picture's making in the form of other tools, and into files that exist already.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "image/metadata.h"

namespace invokeai::image {

/// Whose texts to write.
enum class MetadataForm {
  dream,     ///< InvokeAI 2: `Dream` and `sd-metadata`
  invokeai,  ///< InvokeAI 3 to 6: `invokeai_metadata`
  a1111,     ///< AUTOMATIC1111: `parameters`
};

/// "dream", "invokeai" or "a1111".
std::optional<MetadataForm> metadata_form(std::string_view name);

struct WrittenMetadata {
  TextChunks texts;
  std::vector<std::string> lost;  ///< one line each: what this form cannot say
};

/// The texts of one picture, or of a grid (which only the dream form can describe whole; the others
/// take its first picture). `pictures` must not be empty.
WrittenMetadata as_texts(std::span<const ImageMetadata> pictures, const AppMetadata& app,
                         MetadataForm form);

/// The JSON of `invokeai_metadata`, and the text of `parameters`.
std::string as_invokeai_metadata(const ImageMetadata& picture, const AppMetadata& app);
std::string as_a1111_parameters(const ImageMetadata& picture, const AppMetadata& app);

/// The PNG with these texts in front of its pixels; texts of the same names are replaced, every
/// other byte stays as it is. Errors: bad_file (no PNG, or cut off), invalid_argument (a keyword).
Result<std::string> with_png_texts(std::string_view png, const TextChunks& texts);

/// The same from file to file, atomically; both may be one. Also not_found, io, disk_full.
Result<> write_png_texts(const fs::path& from, const fs::path& to, const TextChunks& texts);

}  // namespace invokeai::image
