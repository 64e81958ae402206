#pragma once
// One reader a format; each turns texts into findings and cannot fail: what it does not understand
// it reports as lost.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "image/internal/finding.h"

namespace invokeai::image {

/// A `Dream` text taken apart.
struct DreamPrompt {
  std::string text;  ///< without the quotation marks a whole prompt may stand in
  std::string raw;   ///< as stored
};

/// The command of InvokeAI 1 and 2 and of this program, whose switches go into `finding`. Nothing
/// for other commands, such as !mask.
std::optional<DreamPrompt> read_dream(std::string_view dream, Finding& finding);

/// `Dream` and `sd-metadata`, of which one may be empty; several pictures for a grid.
///   file_size  width and height of the file itself, which decide where the texts give the size
///   that
///              was typed in place of the one that was drawn
std::vector<FoundMetadata> read_invokeai2(std::string_view dream, std::string_view sd_metadata,
                                          std::optional<std::pair<int, int>> file_size);

/// `invokeai_metadata` of InvokeAI 3 to 6; nothing when it is no JSON object.
std::optional<FoundMetadata> read_invokeai3(std::string_view json);

/// `parameters` of AUTOMATIC1111; nothing when it has no such parameters.
std::optional<FoundMetadata> read_a1111(std::string_view infotext);

/// `prompt` of ComfyUI; nothing when it is no graph of nodes.
std::optional<FoundMetadata> read_comfyui(std::string_view json);

}  // namespace invokeai::image
