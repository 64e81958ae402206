#pragma once
// The configs that a diffusers folder would hold, read off the tensors of a split checkpoint.
// Source: models-and-training spec 2.1, 2.4; generation spec 15.

#include <nlohmann/json.hpp>
#include <string>

#include "models/convert/checkpoint.h"
#include "models/convert/detect.h"

namespace invokeai::models {

/// One JSON object per component, as in the folder's config.json (scheduler_config.json).
struct ModelConfigs {
  nlohmann::json unet;
  nlohmann::json vae;
  nlohmann::json text_encoder;
  nlohmann::json text_encoder_2;  ///< null except for SDXL
  nlohmann::json scheduler;
};

/// Configs of a split checkpoint. A file written by this program carries them exactly, in its
/// metadata
/// (`invokeai.config`); they are used as they are. Components without tensors give null.
/// Errors: bad_file when a tensor that decides a size is missing or has the wrong rank.
Result<ModelConfigs> infer_configs(const SplitCheckpoint& split, const ModelKind& kind);

/// The text for the `invokeai.config` metadata entry.
std::string configs_to_metadata(const ModelConfigs& configs);

/// UNet2DConditionModel from canonical names. What shapes cannot tell follows the family: the
/// number of attention heads is channels/64 with linear projections (SD2, SDXL) and 8 with
/// convolutions (SD1), as long as these divide the channels, else 1; groups of the normalisations
/// are 32 or, for narrow networks, the largest power of two that divides all channels.
Result<nlohmann::json> infer_unet_config(const TensorSource& unet, const ModelKind& kind);

/// AutoencoderKL. `sample_size` in pixels.
Result<nlohmann::json> infer_vae_config(const TensorSource& vae, const ModelKind& kind);

/// CLIPTextModel; heads are hidden/64, exact GELU for OpenCLIP, quick GELU else.
Result<nlohmann::json> infer_text_config(const TensorSource& text, bool open_clip);

/// The scheduler of the family: PNDM, DDIM for SD2, Euler for SDXL.
nlohmann::json scheduler_config(const ModelKind& kind);

}  // namespace invokeai::models
