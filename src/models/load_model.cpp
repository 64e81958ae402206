#include "models/load_model.h"

#include "models/convert/checkpoint.h"
#include "models/convert/infer_config.h"
#include "models/in_file.h"
#include "models/tensors.h"

namespace invokeai::models {
namespace {

using nlohmann::json;

Result<json> read_json(const fs::path& file) {
  TRY_ASSIGN(const std::string content, read_file(file, 64u << 20));
  json parsed = json::parse(content, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object())
    return fail(ErrorCode::bad_file, "model.load", "{} is not a JSON object; was it cut short?",
                file.string());
  return parsed;
}

/// Everything a network is built from, whichever layout it came in.
struct Parts {
  TensorSource unet, vae, text_encoder;
  ModelConfigs configs;
  fs::path unet_config, vae_config, text_config;  ///< files the configs are from, for messages
};

/// A text of a config; `otherwise` where there is none. What is no text is refused where the config
/// is parsed.
std::string text_of(const json& config, const char* key, const std::string& otherwise) {
  const auto found = config.find(key);
  return found != config.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

/// unknown for a name this program does not know: the schedule's parser refuses it.
Prediction prediction_of(const json& scheduler) {
  if (scheduler.contains("prediction_type") && !scheduler["prediction_type"].is_string())
    return Prediction::unknown;
  const std::string name = text_of(scheduler, "prediction_type", "epsilon");
  if (name == "v_prediction") return Prediction::v;
  return name == "epsilon" ? Prediction::epsilon : Prediction::unknown;
}

int input_channels(const json& unet) {
  const auto found = unet.find("in_channels");
  return found != unet.end() && found->is_number_integer() ? found->get<int>() : 4;
}

/// What this program can run: SD 1.x and 2.x with 4 or 9 input channels.
Result<> check_supported(const ModelKind& kind, const fs::path& path) {
  const bool family = kind.family == Family::sd1 || kind.family == Family::sd2;
  if (family && (kind.in_channels == 4 || kind.in_channels == 9)) return {};
  return fail(
      ErrorCode::unsupported, "model.load",
      "{} is a model of kind {} ({} input channels); Stable Diffusion 1.x and 2.x, also for "
      "inpainting, can be used",
      path.string(), kind_name(kind), kind.in_channels);
}

Result<Parts> open_folder(const LoadOptions& options, Networks& networks) {
  const fs::path& folder = options.path;
  if (!fs::exists(folder / "model_index.json"))
    return fail(ErrorCode::bad_file, "model.load",
                "{} is a folder without model_index.json; a diffusers model has one, with the "
                "folders unet, vae and text_encoder beside it",
                folder.string());
  TRY_ASSIGN(const json index, read_json(folder / "model_index.json"));
  const bool half = options.dtype != at::kFloat;
  Parts parts;
  parts.unet_config = folder / "unet/config.json";
  parts.vae_config = folder / "vae/config.json";
  parts.text_config = folder / "text_encoder/config.json";
  networks.scheduler_file = folder / "scheduler/scheduler_config.json";
  TRY_ASSIGN(parts.configs.unet, read_json(parts.unet_config));
  TRY_ASSIGN(parts.configs.vae, read_json(parts.vae_config));
  TRY_ASSIGN(parts.configs.text_encoder, read_json(parts.text_config));
  TRY_ASSIGN(parts.configs.scheduler, read_json(networks.scheduler_file));
  TRY_ASSIGN(TensorSource unet, open_component(folder / "unet", {"diffusion_pytorch_model"}, half));
  TRY_ASSIGN(TensorSource vae, open_component(folder / "vae", {"diffusion_pytorch_model"}, half));
  TRY_ASSIGN(TensorSource text,
             open_component(folder / "text_encoder", {"model", "pytorch_model"}, half));
  parts.unet = canonical_part(unet, Part::unet);
  parts.vae = canonical_part(vae, Part::vae);
  parts.text_encoder = canonical_part(text, Part::text_encoder);
  if (fs::is_directory(folder / "tokenizer")) networks.tokenizer_folder = folder / "tokenizer";
  networks.open_clip = text_of(parts.configs.text_encoder, "hidden_act", "quick_gelu") == "gelu";
  networks.kind.family = networks.open_clip ? Family::sd2 : Family::sd1;
  networks.kind.in_channels = input_channels(parts.configs.unet);
  networks.kind.prediction = prediction_of(parts.configs.scheduler);
  TRY_VOID(check_supported(networks.kind, folder));
  return parts;
}

Result<Parts> open_single_file(const LoadOptions& options, Networks& networks) {
  TRY_ASSIGN(const TensorSource file, open_tensor_file(options.path));
  TRY_ASSIGN(const Detection detection, detect_file(file, options.path, options.stated));
  TRY_ASSIGN(SplitCheckpoint split, split_checkpoint(file));
  TRY_VOID(check_supported(detection.kind, options.path));
  for (const auto& [part, what] :
       {std::pair{&split.vae, "VAE"}, std::pair{&split.text_encoder, "text encoder"}})
    if (part->tensors.empty())
      return fail(ErrorCode::bad_file, "model.load",
                  "{} holds no {}; a whole model has UNet, VAE and text encoder in one file",
                  options.path.string(), what);
  Parts parts;
  parts.unet_config = parts.vae_config = parts.text_config = networks.scheduler_file = options.path;
  TRY_ASSIGN(parts.configs, infer_configs(split, detection.kind));
  networks.kind = detection.kind;
  networks.open_clip = split.open_clip;
  if (!detection.certain) networks.kind_reason = detection.reason;
  parts.unet = std::move(split.unet);
  parts.vae = std::move(split.vae);
  parts.text_encoder = std::move(split.text_encoder);
  return parts;
}

}  // namespace

Result<TensorSource> open_component(const fs::path& folder, const std::vector<std::string>& stems,
                                    bool half) {
  const std::vector<std::string> variants =
      half ? std::vector<std::string>{".fp16", ""} : std::vector<std::string>{"", ".fp16"};
  for (const char* extension : {".safetensors", ".bin"})
    for (const auto& variant : variants)
      for (const auto& stem : stems) {
        const std::string name = stem + variant + extension;
        for (const std::string& candidate :
             {name, name + ".index.json", stem + extension + ".index" + variant + ".json"})
          if (fs::exists(folder / candidate)) return open_tensor_file(folder / candidate);
      }
  return fail(ErrorCode::not_found, "model.load",
              "{} holds no weights (wanted {}.safetensors or {}.bin); is the download complete?",
              folder.string(), stems.front(), stems.back());
}

namespace {

Result<> take_weights(Networks& networks, Parts parts, const LoadOptions& options) {
  const at::Device device = options.device;
  const at::ScalarType dtype = options.dtype;
  if (!options.on_demand) {
    TRY_VOID(load_parameters(*networks.unet, parts.unet, "unet", device, dtype));
    TRY_VOID(load_parameters(*networks.vae, parts.vae, "vae", device, dtype));
    return load_parameters(*networks.text_encoder, parts.text_encoder, "text encoder", device, dtype);
  }
  const StoredWeights::Options plain{device, dtype};
  TRY_ASSIGN(networks.unet_weights, StoredWeights::open(*networks.unet, std::move(parts.unet), "unet",
                                                        {device, dtype, options.unet_form}));
  TRY_ASSIGN(networks.vae_weights,
             StoredWeights::open(*networks.vae, std::move(parts.vae), "vae", plain));
  TRY_ASSIGN(networks.text_weights,
             StoredWeights::open(*networks.text_encoder, std::move(parts.text_encoder),
                                 "text encoder", plain));
  return {};
}

}  // namespace

Result<Networks> load_networks(const LoadOptions& options) {
  if (!fs::exists(options.path))
    return fail(ErrorCode::not_found, "model.load",
                "{} does not exist; wanted a diffusers folder or a .safetensors or .ckpt file",
                options.path.string());
  Networks networks;
  TRY_ASSIGN(Parts parts, fs::is_directory(options.path) ? open_folder(options, networks)
                                                               : open_single_file(options, networks));
  if (options.stated && options.stated->prediction != Prediction::unknown)
    networks.kind.prediction = options.stated->prediction;

  networks.scheduler = parts.configs.scheduler;
  if (networks.kind.prediction != Prediction::unknown)
    networks.scheduler["prediction_type"] =
        networks.kind.prediction == Prediction::v ? "v_prediction" : "epsilon";
  TRY_ASSIGN(const nn::UNetConfig unet,
             in_file(nn::parse_unet_config(parts.configs.unet), parts.unet_config));
  TRY_ASSIGN(const nn::VaeConfig vae,
             in_file(nn::parse_vae_config(parts.configs.vae), parts.vae_config));
  TRY_ASSIGN(const nn::ClipTextConfig text,
             in_file(nn::parse_clip_text_config(parts.configs.text_encoder), parts.text_config));
  if (unet.cross_attention_dim != text.hidden_size)
    return fail(ErrorCode::bad_file, "model.load",
                "{}: the UNet listens to {} numbers a token, the text encoder says {}; they belong "
                "to different models",
                options.path.string(), unet.cross_attention_dim, text.hidden_size);
  networks.unet = std::make_unique<nn::UNet>(unet);
  networks.vae = std::make_unique<nn::Vae>(vae);
  networks.text_encoder = std::make_unique<nn::ClipText>(text);
  TRY_VOID(take_weights(networks, std::move(parts), options));
  return networks;
}

}  // namespace invokeai::models
