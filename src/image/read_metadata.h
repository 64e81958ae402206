#pragma once
// What a picture file says about its making, whoever wrote it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/metadata.h"

namespace invokeai::image {

/// One picture's making, in our own terms.
struct FoundMetadata {
  ImageMetadata picture;
  std::string software;            ///< who wrote it: "InvokeAI 3.6.0", "AUTOMATIC1111 v1.9.4"
  std::optional<AppMetadata> app;  ///< the model, as far as it is named
  /// One line each: what the command line made from this will not reproduce.
  std::vector<std::string> lost;
};

/// Reads, in this order of preference, the texts of
///   - InvokeAI 1 and 2 and this program: `sd-metadata` and `Dream` (cli spec 5)
///   - InvokeAI 3 to 6: `invokeai_metadata`
///   - AUTOMATIC1111 and its relatives: `parameters`, in JPEG and WebP the EXIF UserComment
///   - ComfyUI: `prompt`, a graph of nodes
/// from a PNG, JPEG or WebP. A grid tells of several pictures, everything else of one. Whatever the
/// bytes, the values are within the ranges of the settings table and the texts free of control
/// characters. Errors: not_found when nothing of this is in the file, bad_file when it cannot be
/// read, unsupported for other kinds of file.
Result<std::vector<FoundMetadata>> read_metadata(std::string_view file_bytes);

/// The command for the invoke> line that makes the picture again, as far as `lost` allows.
std::string recall_command(const FoundMetadata& found);

}  // namespace invokeai::image
