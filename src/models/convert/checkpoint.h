#pragma once
// A single-file checkpoint as the parts of a diffusers folder, and back. Splitting copies nothing:
// the parts are views into the file. Source: models-and-training spec 2.1, 2.3, 2.5-2.7.

#include <map>
#include <string>
#include <vector>

#include "models/formats/tensor_source.h"

namespace invokeai::models {

enum class Part { unet, vae, text_encoder };

/// Safetensors metadata key under which this program keeps the exact configs of a single file: a
/// JSON object with the keys unet, vae, text_encoder, scheduler (each as in the folder's
/// config.json).
inline constexpr const char* kConfigMetadataKey = "invokeai.config";

struct SplitOptions {
  /// Take the averaged UNet weights (better pictures) where the file has them; each missing one
  /// falls back to the plain weight. With 100 `model_ema.` tensors or fewer there are no averages.
  bool use_ema = true;
};

/// The parts under canonical names: current diffusers names for UNet and VAE (attention
/// to_q/to_k/to_v/to_out.0, 2-D), HF names with the `text_model.` prefix for text encoders.
struct SplitCheckpoint {
  TensorSource unet;
  TensorSource vae;
  TensorSource text_encoder;
  TensorSource text_encoder_2;  ///< SDXL only: OpenCLIP bigG
  bool open_clip = false;       ///< text_encoder is of OpenCLIP kind (SD2): exact GELU, pad id 0
  int ema_tensors = 0;          ///< how many UNet tensors are averages
  std::vector<std::string> leftover;            ///< full names that no rule knows, sorted
  std::map<std::string, std::string> metadata;  ///< the file's own
};

/// Splits an LDM-layout file. Parts a file lacks stay empty (VAE-less merges exist).
/// Errors: bad_file when there is no UNet in it (saying what is), or a fused tensor is misshapen.
Result<SplitCheckpoint> split_checkpoint(const TensorSource& file,
                                         const SplitOptions& options = {});

/// The inverse: one TensorSource in LDM names. Fused query-key-value tensors are new memory, all
/// else are views. `split` must hold canonical names; text_encoder goes out in OpenCLIP names when
/// `open_clip` is set. Errors: unsupported, naming the first tensor that has no place in a single
/// file; bad_file when a query, key or value is missing.
Result<TensorSource> join_checkpoint(const SplitCheckpoint& split);

/// A stand-alone VAE in canonical names, from a file with or without `first_stage_model.`/`vae.`
/// prefix, in LDM or diffusers names. Errors: bad_file when it holds no VAE.
Result<TensorSource> vae_of_file(const TensorSource& file);

/// One part of a diffusers folder in canonical names: old VAE attention names, [C,C,1,1] weights
/// and text encoders without `text_model.` are accepted, position_ids and logit_scale dropped.
/// Names that no rule knows are kept.
TensorSource canonical_part(const TensorSource& folder_part, Part part);

}  // namespace invokeai::models
