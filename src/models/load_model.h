#pragma once
// A model on disk, folder or single file, as networks ready to run.

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "models/convert/detect.h"
#include "models/formats/tensor_source.h"
#include "models/stored_weights.h"
#include "nn/clip_text.h"
#include "nn/unet.h"
#include "nn/vae.h"

namespace invokeai::models {

struct LoadOptions {
  fs::path path;                         ///< diffusers folder, .safetensors, .ckpt
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;     ///< of all networks
  std::optional<ModelKind> stated = {};  ///< the user's word where tensors cannot tell
  /// Leave the weights in the files; StoredWeights brings them.
  bool on_demand = false;
  nn::WeightForm unet_form = nn::WeightForm::as_loaded;  ///< only with `on_demand`
};

/// One Stable Diffusion: three networks and what the files say about using them.
struct Networks {
  std::unique_ptr<nn::ClipText> text_encoder;
  std::unique_ptr<nn::UNet> unet;
  std::unique_ptr<nn::Vae> vae;
  /// Where the weights of each are brought from, with LoadOptions::on_demand; else null.
  std::unique_ptr<StoredWeights> text_weights, unet_weights, vae_weights;
  nlohmann::json scheduler;                 ///< as in scheduler_config.json
  fs::path scheduler_file;                  ///< where it was read, for messages
  std::optional<fs::path> tokenizer_folder; ///< none: the built-in vocabulary
  bool open_clip = false;                   ///< SD 2.x text encoder: pad with id 0
  ModelKind kind;
  std::string kind_reason;                  ///< one line when the kind is an assumption, else empty
};

/// The weight file of one component of a folder: safetensors before pickles, the half-precision
/// variant first when `half`, each as one file or as an index of shards. Errors: not_found.
Result<TensorSource> open_component(const fs::path& folder, const std::vector<std::string>& stems,
                                    bool half);

/// Reads a model in place; no converted copy is written. Formats are told by content. All weights are
/// in memory afterwards, not yet packed, or none with `on_demand`.
/// Errors: not_found (with what was looked for), bad_file, unsupported.
Result<Networks> load_networks(const LoadOptions& options);

}  // namespace invokeai::models
