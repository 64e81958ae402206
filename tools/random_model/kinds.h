#pragma once
// The published Stable Diffusion models as configs, and the same networks with few channels.

#include <string_view>

#include "models/convert/detect.h"
#include "models/convert/infer_config.h"

namespace invokeai::random_model {

enum class Kind { sd15, sd15_inpainting, sd21_768 };

/// Names used on the command line: sd15, sd15-inpainting, sd21-768.
constexpr std::pair<std::string_view, Kind> kKinds[] = {
    {"sd15", Kind::sd15},
    {"sd15-inpainting", Kind::sd15_inpainting},
    {"sd21-768", Kind::sd21_768},
};

models::ModelKind model_kind(Kind kind);

/// The five config files, each as in the folder's config.json. `tiny` keeps blocks, levels and
/// vocabulary, and narrows every network: about 9 million weights instead of a thousand million.
models::ModelConfigs configs_of(Kind kind, bool tiny);

/// model_index.json, which names the classes that diffusers loads each component with.
nlohmann::json model_index(Kind kind, const models::ModelConfigs& configs);

}  // namespace invokeai::random_model
