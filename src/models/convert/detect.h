#pragma once
// Telling model families apart by their tensors, and what tensors cannot tell (the prediction type)
// by the evidence around the file. Source: models-and-training spec 2.4.

#include <optional>
#include <string>
#include <string_view>

#include "models/formats/tensor_source.h"

namespace invokeai::models {

enum class Family { unknown, sd1, sd2, sdxl, sdxl_refiner, upscaler, control_net, vae };

/// What the UNet predicts: the noise, or v (Salimans and Ho 2022).
enum class Prediction { unknown, epsilon, v };

struct ModelKind {
  Family family = Family::unknown;
  Prediction prediction = Prediction::unknown;
  int in_channels = 4;  ///< 9 inpainting, 8 instruct-pix2pix, 5 depth

  bool inpainting() const { return in_channels == 9; }
  /// SD2's v models overflow half precision unless attention scores are f32.
  bool upcast_attention() const { return family == Family::sd2 && prediction == Prediction::v; }
  bool operator==(const ModelKind&) const = default;
};

/// "sd1", "sd1-inpainting", "sd2-base", "sd2-v", "sd2-inpainting", "sd2" (prediction unknown),
/// "sdxl", "sdxl-refiner", "upscaler", "controlnet", "vae", "unknown"; also "-v", "-pix2pix",
/// "-depth".
std::string kind_name(const ModelKind& kind);

/// The reverse, for what a user states. Errors: invalid_argument.
Result<ModelKind> parse_kind(std::string_view text);

/// What is known besides the tensors.
struct Evidence {
  std::optional<ModelKind> stated;  ///< by the user; decides all it says
  std::optional<std::string> yaml;  ///< text of the LDM yaml beside the file
  std::string file_name;            ///< without folders
};

struct Detection {
  ModelKind kind;
  bool certain = true;  ///< false: the prediction type is an assumption
  std::string reason;   ///< one line for the user: what decided, or what to do if it is wrong
};

/// Family and channels from the tensors of a single file (LDM names); prediction type from the
/// first of: statement, this program's own metadata, marker tensor `v_pred`, yaml, `global_step` in
/// the metadata, file name. SD2 without any evidence is taken for the v model, as 2.3.0 did, and
/// flagged. Errors: invalid_argument when the statement contradicts the tensors.
Result<Detection> detect_kind(const TensorSource& file, const Evidence& evidence);

/// The same for a file on disk: reads `STEM.yaml` beside it, if there is one.
Result<Detection> detect_file(const TensorSource& file, const fs::path& path,
                              std::optional<ModelKind> stated = std::nullopt);

}  // namespace invokeai::models
