#pragma once
// The network that finds words in pictures, from disk.

#include <memory>
#include <optional>

#include "base/file.h"
#include "base/result.h"
#include "nn/clipseg.h"

namespace invokeai::models {

struct LoadedClipSeg {
  std::unique_ptr<nn::ClipSeg> network;    ///< f32 on the CPU, as 2.3.0 ran it
  std::optional<fs::path> tokenizer_folder;  ///< none: the built-in vocabulary
};

/// Reads a folder as transformers writes it: config.json and model.safetensors or
/// pytorch_model.bin. Errors: not_found (saying what belongs where), bad_file, unsupported.
Result<LoadedClipSeg> load_clipseg(const fs::path& folder);

}  // namespace invokeai::models
