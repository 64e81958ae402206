#include "models/load_clipseg.h"

#include <nlohmann/json.hpp>

#include "models/in_file.h"
#include "models/load_model.h"
#include "models/tensors.h"

namespace invokeai::models {

Result<LoadedClipSeg> load_clipseg(const fs::path& folder) {
  const fs::path config_file = folder / "config.json";
  if (!fs::exists(config_file))
    return fail(ErrorCode::not_found, "clipseg.load",
                "masks from words need the network CIDAS/clipseg-rd64-refined: put its config.json "
                "and model.safetensors (or pytorch_model.bin) into {}, or name another folder with "
                "--clipseg_path",
                folder.string());
  TRY_ASSIGN(const std::string text, read_file(config_file, 1u << 20));
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return fail(ErrorCode::bad_file, "clipseg.load", "{} is not a JSON object; was it cut short?",
                config_file.string());
  TRY_ASSIGN(const nn::ClipSegConfig config, in_file(nn::parse_clipseg_config(json), config_file));
  TRY_ASSIGN(const TensorSource weights,
             open_component(folder, {"model", "pytorch_model"}, /*half=*/false));
  LoadedClipSeg loaded{.network = std::make_unique<nn::ClipSeg>(config), .tokenizer_folder = {}};
  TRY_VOID(load_parameters(*loaded.network, weights, "clipseg", at::kCPU, at::kFloat));
  if (fs::exists(folder / "vocab.json") || fs::exists(folder / "tokenizer.json"))
    loaded.tokenizer_folder = folder;
  return loaded;
}

}  // namespace invokeai::models
