#pragma once
// A model with random weights, and the layouts it is written in.

#include <cstdint>

#include "models/convert/checkpoint.h"
#include "random_model/kinds.h"

namespace invokeai::random_model {

struct Recipe {
  Kind kind = Kind::sd15;
  bool tiny = false;
  models::DType dtype = models::DType::f16;  ///< f32, f16 or bf16
  std::uint64_t seed = 0;
};

struct RandomModel {
  Kind kind = Kind::sd15;
  models::ModelConfigs configs;
  models::SplitCheckpoint parts;  ///< what a folder holds
  /// What published single files of SD2 hold besides: the last layer of the text tower, which
  /// Stable Diffusion does not use, and its projection. HF names.
  models::TensorSource unused_text;
};

/// Draws all weights, into scratch files in `folder` (see weights.h).
/// Errors: disk_full, io.
Result<RandomModel> make_random_model(const Recipe& recipe, const fs::path& folder);

/// A single file when the path ends in .safetensors or .ckpt, else a diffusers folder. Either is
/// there completely afterwards, or not at all.
/// Errors: invalid_argument when something is there already; disk_full, io.
Result<> write_model(const RandomModel& model, const fs::path& path);

}  // namespace invokeai::random_model
