#include "models/convert/infer_config.h"

#include <algorithm>

#include "models/convert/name_pattern.h"
#include "models/convert/tensor_ops.h"

namespace invokeai::models {
namespace {

using nlohmann::json;

constexpr std::int64_t kHeadSize = 64;
constexpr std::int64_t kConvHeads = 8;
constexpr std::int64_t kMostGroups = 32;

/// Reads sizes off a part; the first missing one is remembered, so that callers check once.
class SizeReader {
 public:
  explicit SizeReader(const TensorSource& source) : source_(source) {}

  /// Dimension `index` of a tensor; 1 when it cannot be had.
  std::int64_t size(const std::string& name, std::size_t index) {
    const TensorView* view = source_.find(name);
    if (view && index < view->shape.size() && view->shape[index] > 0) return view->shape[index];
    if (fault_.empty()) {
      fault_ = view ? fmt::format("{}.{} has shape {}", source_.name, name, shape_text(view->shape))
                    : fmt::format("{}.{} is missing", source_.name, name);
    }
    return 1;
  }

  int count(std::string_view pattern) { return count_indices(source_, pattern); }
  bool any(std::string_view pattern) { return any_name(source_, pattern); }
  const TensorView* find(const std::string& name) { return source_.find(name); }
  bool faulty() const { return !fault_.empty(); }

  Result<json> finish(json config) const {
    if (fault_.empty()) return config;
    return fail(ErrorCode::bad_file, "convert.config",
                "cannot tell the size of the network: {}; is this a full model?", fault_);
  }

 private:
  const TensorSource& source_;
  std::string fault_;
};

std::int64_t norm_groups(const std::vector<std::int64_t>& channels) {
  std::int64_t groups = kMostGroups;
  while (std::any_of(channels.begin(), channels.end(), [&](auto c) { return c % groups != 0; })) {
    groups /= 2;
  }
  return groups;
}

/// One number when all levels agree, else the list.
json number_or_list(const std::vector<std::int64_t>& values) {
  const bool same = std::all_of(values.begin(), values.end(),
                                [&](std::int64_t value) { return value == values.front(); });
  return same && !values.empty() ? json(values.front()) : json(values);
}

std::int64_t head_count(std::int64_t channels, bool fixed_size) {
  if (fixed_size) return channels % kHeadSize == 0 ? channels / kHeadSize : 1;
  return channels % kConvHeads == 0 ? kConvHeads : 1;
}

/// Transformer blocks per level. Levels without attention count 1, except that the last entry also
/// stands for the middle block.
std::vector<std::int64_t> transformer_depths(SizeReader& unet, int levels) {
  const auto depth = [&](const std::string& block) {
    return unet.count(block + ".attentions.0.transformer_blocks.#.*");
  };
  const int middle = std::max(depth("mid_block"), 1);
  std::vector<std::int64_t> depths;
  bool all_as_middle = true;
  for (int level = 0; level < levels; ++level) {
    const int here = depth(fmt::format("down_blocks.{}", level));
    all_as_middle = all_as_middle && (here == 0 || here == middle);
    depths.push_back(std::max(here, 1));
  }
  if (all_as_middle) return std::vector<std::int64_t>(depths.size(), middle);
  depths.back() = middle;
  return depths;
}

/// Side of the latents in training: 64, or 96 for SD2's v models, 128 for SDXL.
int latent_side(const ModelKind& kind) {
  if (kind.family == Family::sdxl || kind.family == Family::sdxl_refiner) return 128;
  return kind.family == Family::sd2 && kind.prediction == Prediction::v ? 96 : 64;
}

/// Kinds of the UNet's levels, by whether they have attention.
json block_types(SizeReader& unet, const char* side, const char* name, int levels) {
  json types = json::array();
  for (int level = 0; level < levels; ++level) {
    const bool attention = unet.any(fmt::format("{}.{}.attentions.*", side, level));
    types.push_back(attention ? fmt::format("CrossAttn{}", name) : name);
  }
  return types;
}

/// Name of the first tensor ending so, for what is the same in every block.
std::string first_ending(const TensorSource& source, std::string_view ending) {
  for (const auto& [name, view] : source.tensors) {
    if (name.ends_with(ending)) return name;
  }
  return std::string("*").append(ending);
}

/// How SDXL and class-conditioned UNets are fed besides the text.
void add_label_config(SizeReader& unet, json& config) {
  if (unet.find("add_embedding.linear_1.weight")) {
    config["addition_embed_type"] = "text_time";
    config["addition_time_embed_dim"] = 256;
    config["projection_class_embeddings_input_dim"] = unet.size("add_embedding.linear_1.weight", 1);
  } else if (unet.find("class_embedding.linear_1.weight")) {
    config["class_embed_type"] = "projection";
    config["projection_class_embeddings_input_dim"] =
        unet.size("class_embedding.linear_1.weight", 1);
  } else if (unet.find("class_embedding.weight")) {
    config["num_class_embeds"] = unet.size("class_embedding.weight", 0);
  }
}

/// Output channels of the first resnet of each of the levels, of which there is at least one.
std::vector<std::int64_t> level_channels(SizeReader& reader, const std::string& blocks,
                                         int levels) {
  std::vector<std::int64_t> channels;
  for (int level = 0; level < std::max(levels, 1) && !reader.faulty(); ++level) {
    channels.push_back(reader.size(fmt::format("{}.{}.resnets.0.conv1.weight", blocks, level), 0));
  }
  return channels;
}

/// Configs kept by this program in the file itself.
Result<ModelConfigs> configs_of_metadata(const std::string& text) {
  const json all = json::parse(text, nullptr, false);
  ModelConfigs configs;
  for (const auto& [key, member] :
       {std::pair{"unet", &configs.unet}, std::pair{"vae", &configs.vae},
        std::pair{"text_encoder", &configs.text_encoder},
        std::pair{"scheduler", &configs.scheduler}}) {
    if (!all.is_object() || !all.contains(key) || !all[key].is_object()) {
      return fail(ErrorCode::bad_file, "convert.config",
                  "metadata {} should be a JSON object with an object {}; write the file again",
                  kConfigMetadataKey, key);
    }
    *member = all[key];
  }
  configs.text_encoder_2 = all.value("text_encoder_2", json());
  return configs;
}

}  // namespace

Result<json> infer_unet_config(const TensorSource& source, const ModelKind& kind) {
  SizeReader unet(source);
  const int levels = unet.count("down_blocks.#.*");
  const auto channels = level_channels(unet, "down_blocks", levels);
  if (unet.faulty()) return unet.finish({});
  const TensorView* projection = source.find(first_ending(source, ".proj_in.weight"));
  const bool linear = projection && projection->shape.size() == 2;
  const bool fixed_size = linear || kind.family == Family::sd2;
  std::vector<std::int64_t> heads;
  for (const std::int64_t width : channels) heads.push_back(head_count(width, fixed_size));
  json config = {
      {"_class_name", "UNet2DConditionModel"},
      {"act_fn", "silu"},
      {"attention_head_dim", number_or_list(heads)},  // the key's name lies: these are head counts
      {"block_out_channels", channels},
      {"center_input_sample", false},
      {"cross_attention_dim", unet.size(first_ending(source, ".attn2.to_k.weight"), 1)},
      {"down_block_types", block_types(unet, "down_blocks", "DownBlock2D", levels)},
      {"downsample_padding", 1},
      {"flip_sin_to_cos", true},
      {"freq_shift", 0},
      {"in_channels", unet.size("conv_in.weight", 1)},
      {"layers_per_block", unet.count("down_blocks.0.resnets.#.*")},
      {"mid_block_scale_factor", 1},
      {"mid_block_type", "UNetMidBlock2DCrossAttn"},
      {"norm_eps", 1e-5},
      {"norm_num_groups", norm_groups(channels)},
      {"out_channels", unet.size("conv_out.weight", 0)},
      {"sample_size", latent_side(kind)},
      {"transformer_layers_per_block", number_or_list(transformer_depths(unet, levels))},
      {"up_block_types", block_types(unet, "up_blocks", "UpBlock2D", levels)},
      {"upcast_attention", kind.upcast_attention()},
      {"use_linear_projection", linear},
  };
  add_label_config(unet, config);
  return unet.finish(std::move(config));
}

Result<json> infer_vae_config(const TensorSource& source, const ModelKind& kind) {
  SizeReader vae(source);
  const int levels = vae.count("encoder.down_blocks.#.*");
  const auto channels = level_channels(vae, "encoder.down_blocks", levels);
  const bool sdxl = kind.family == Family::sdxl || kind.family == Family::sdxl_refiner;
  json config = {
      {"_class_name", "AutoencoderKL"},
      {"act_fn", "silu"},
      {"block_out_channels", channels},
      {"down_block_types", std::vector<std::string>(channels.size(), "DownEncoderBlock2D")},
      {"in_channels", vae.size("encoder.conv_in.weight", 1)},
      {"latent_channels", vae.size("decoder.conv_in.weight", 1)},
      {"layers_per_block", vae.count("encoder.down_blocks.0.resnets.#.*")},
      {"norm_num_groups", norm_groups(channels)},
      {"out_channels", vae.size("decoder.conv_out.weight", 0)},
      {"sample_size", latent_side(kind) << std::clamp(levels - 1, 0, 16)},
      {"scaling_factor", sdxl ? 0.13025 : 0.18215},
      {"up_block_types", std::vector<std::string>(channels.size(), "UpDecoderBlock2D")},
      {"use_post_quant_conv", vae.find("post_quant_conv.weight") != nullptr},
      {"use_quant_conv", vae.find("quant_conv.weight") != nullptr},
  };
  return vae.finish(std::move(config));
}

Result<json> infer_text_config(const TensorSource& source, bool open_clip) {
  SizeReader text(source);
  const std::string tokens = "text_model.embeddings.token_embedding.weight";
  const std::int64_t hidden = text.size(tokens, 1);
  const bool projects = text.find("text_projection.weight") != nullptr;
  const char* class_name = projects ? "CLIPTextModelWithProjection" : "CLIPTextModel";
  json config = {
      {"architectures", {class_name}},
      {"attention_dropout", 0.0},
      {"bos_token_id", 49406},
      {"eos_token_id", 49407},
      {"hidden_act", open_clip ? "gelu" : "quick_gelu"},
      {"hidden_size", hidden},
      {"intermediate_size", text.size("text_model.encoder.layers.0.mlp.fc1.weight", 0)},
      {"layer_norm_eps", 1e-5},
      {"max_position_embeddings", text.size("text_model.embeddings.position_embedding.weight", 0)},
      {"model_type", "clip_text_model"},
      {"num_attention_heads", hidden % kHeadSize == 0 ? hidden / kHeadSize : 1},
      {"num_hidden_layers", text.count("text_model.encoder.layers.#.*")},
      {"pad_token_id", 1},
      {"projection_dim", projects ? text.size("text_projection.weight", 0) : hidden},
      {"vocab_size", text.size(tokens, 0)},
  };
  return text.finish(std::move(config));
}

json scheduler_config(const ModelKind& kind) {
  json config = {
      {"_class_name", "PNDMScheduler"},
      {"beta_end", 0.012},
      {"beta_schedule", "scaled_linear"},
      {"beta_start", 0.00085},
      {"clip_sample", false},
      {"num_train_timesteps", 1000},
      {"prediction_type", kind.prediction == Prediction::v ? "v_prediction" : "epsilon"},
      {"set_alpha_to_one", false},
      {"skip_prk_steps", true},
      {"steps_offset", 1},
      {"trained_betas", nullptr},
  };
  if (kind.family == Family::sd2) config["_class_name"] = "DDIMScheduler";
  if (kind.family == Family::sdxl || kind.family == Family::sdxl_refiner) {
    config["_class_name"] = "EulerDiscreteScheduler";
    config["timestep_spacing"] = "leading";
  }
  return config;
}

Result<ModelConfigs> infer_configs(const SplitCheckpoint& split, const ModelKind& kind) {
  const auto own = split.metadata.find(kConfigMetadataKey);
  if (own != split.metadata.end()) return configs_of_metadata(own->second);
  ModelConfigs configs;
  TRY_ASSIGN(configs.unet, infer_unet_config(split.unet, kind));
  if (!split.vae.tensors.empty()) {
    TRY_ASSIGN(configs.vae, infer_vae_config(split.vae, kind));
  }
  if (!split.text_encoder.tensors.empty()) {
    const bool open_clip = split.open_clip || kind.family == Family::sd2;
    TRY_ASSIGN(configs.text_encoder, infer_text_config(split.text_encoder, open_clip));
  }
  if (!split.text_encoder_2.tensors.empty()) {
    TRY_ASSIGN(configs.text_encoder_2, infer_text_config(split.text_encoder_2, true));
  }
  configs.scheduler = scheduler_config(kind);
  return configs;
}

std::string configs_to_metadata(const ModelConfigs& configs) {
  json all = {{"unet", configs.unet},
              {"vae", configs.vae},
              {"text_encoder", configs.text_encoder},
              {"scheduler", configs.scheduler}};
  if (!configs.text_encoder_2.is_null()) all["text_encoder_2"] = configs.text_encoder_2;
  return all.dump();
}

}  // namespace invokeai::models
