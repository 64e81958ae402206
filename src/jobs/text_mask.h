#pragma once
// Masks from words: how they are asked for, and as pictures of their own (cli spec 3.3).

#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "pipeline/engine.h"

namespace invokeai::jobs {

/// The values of -tm: a description and perhaps a threshold from 0 to 1.
/// Errors: invalid_argument.
Result<pipeline::WordMask> parse_text_mask(std::vector<std::string> values);

/// What `!mask` writes, in this order: the picture with the rest left visible, with what was found
/// left visible, and the mask itself as -M takes it, each
/// `<number>.<name of the picture>.<words>.<deselected|selected|masked>.png` in `folder`.
/// Errors: those of loading the picture, of Engine::find_words and of writing.
Result<std::vector<fs::path>> write_masks(pipeline::Engine& engine, const fs::path& picture,
                                          const pipeline::WordMask& words, const fs::path& folder);

}  // namespace invokeai::jobs
