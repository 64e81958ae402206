#include "nn/configs.h"

#include <nlohmann/json.hpp>

namespace invokeai::nn {
namespace {

using nlohmann::json;

/// Reads typed values out of one config object and remembers the first thing that was wrong.
class ConfigReader {
 public:
  ConfigReader(const json& object, std::string origin) : object_(object), origin_(std::move(origin)) {
    if (!object.is_object()) note("config is not a JSON object");
  }

  template <class T>
  T get(const char* key, T otherwise) {
    if (!present(key)) return otherwise;
    const json& value = object_.at(key);
    // The library would make a whole number of 4.5, 1e30 and true.
    const bool whole = !std::is_same_v<T, std::int64_t> || value.is_number_integer();
    try {
      if (whole) return value.get<T>();
    } catch (const json::exception&) {
    }
    note(fmt::format("{} has the value {}, which is of the wrong type", key, value.dump()));
    return otherwise;
  }

  std::int64_t positive(const char* key, std::int64_t otherwise) {
    const auto value = get<std::int64_t>(key, otherwise);
    return in_range(key, value) ? value : otherwise;  // callers divide by it before `finish`
  }

  /// A list of numbers, each from 1 to 1,000,000.
  std::vector<std::int64_t> positives(const char* key, std::vector<std::int64_t> otherwise) {
    auto values = get(key, otherwise);
    for (const auto value : values)
      if (!in_range(key, value)) return otherwise;
    return values;
  }

  /// One number for all levels, or a list with one number a level.
  std::vector<std::int64_t> per_level(const char* key, std::int64_t otherwise, std::size_t levels) {
    if (present(key) && object_.at(key).is_array()) {
      auto values = positives(key, std::vector<std::int64_t>(levels, otherwise));
      if (values.size() != levels) note(fmt::format("{} has {} entries, wanted {}", key, values.size(), levels));
      return values;
    }
    return std::vector<std::int64_t>(levels, positive(key, otherwise));
  }

  /// Refuses any value but the one implemented (or an absent key).
  template <class T>
  void require(const char* key, T only) {
    if (present(key) && object_.at(key) != json(only))
      note(fmt::format("{} {} is not supported, only {}", key, object_.at(key).dump(), json(only).dump()));
  }
  void require_null(const char* key) {
    if (present(key)) note(fmt::format("{} {} is not supported", key, object_.at(key).dump()));
  }

  /// true for each block type that has attention.
  std::vector<bool> attention(const char* key, std::vector<std::string> otherwise,
                              const std::string& with, const std::string& without) {
    std::vector<bool> result;
    for (const auto& type : get(key, std::move(otherwise))) {
      if (type != with && type != without) note(fmt::format("block type {} is not supported", type));
      result.push_back(type == with);
    }
    return result;
  }

  void note(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  template <class T>
  Result<T> finish(T config) {
    if (!problem_.empty()) return fail(ErrorCode::unsupported, origin_, "{}", problem_);
    return config;
  }

 private:
  bool in_range(const char* key, std::int64_t value) {
    if (value >= 1 && value <= 1'000'000) return true;
    note(fmt::format("{} is {}, wanted 1 to 1,000,000", key, value));
    return false;
  }
  bool present(const char* key) const {
    return object_.is_object() && object_.contains(key) && !object_.at(key).is_null();
  }

  const json& object_;
  std::string origin_;
  std::string problem_;
};

}  // namespace

Result<ClipTextConfig> parse_clip_text_config(const json& object) {
  ConfigReader read(object, "text_encoder.config");
  ClipTextConfig c;
  c.vocab_size = read.positive("vocab_size", 49408);
  c.hidden_size = read.positive("hidden_size", 512);
  c.intermediate_size = read.positive("intermediate_size", 2048);
  c.layers = read.positive("num_hidden_layers", 12);
  c.heads = read.positive("num_attention_heads", 8);
  c.max_positions = read.positive("max_position_embeddings", 77);
  c.activation = read.get<std::string>("hidden_act", "quick_gelu");
  c.eps = read.get<double>("layer_norm_eps", 1e-5);
  if (c.activation != "quick_gelu" && c.activation != "gelu")
    read.note(fmt::format("hidden_act {} is not supported, only quick_gelu and gelu", c.activation));
  if (c.hidden_size % c.heads != 0)
    read.note(fmt::format("hidden_size {} is not a multiple of num_attention_heads {}", c.hidden_size, c.heads));
  return read.finish(c);
}

namespace {

ClipVisionConfig read_vision(ConfigReader& read) {
  ClipVisionConfig c;
  c.hidden_size = read.positive("hidden_size", 768);
  c.intermediate_size = read.positive("intermediate_size", 3072);
  c.layers = read.positive("num_hidden_layers", 12);
  c.heads = read.positive("num_attention_heads", 12);
  c.image_size = read.positive("image_size", 224);
  c.patch_size = read.positive("patch_size", 32);
  c.activation = read.get<std::string>("hidden_act", "quick_gelu");
  c.eps = read.get<double>("layer_norm_eps", 1e-5);
  read.require("num_channels", 3);
  if (c.activation != "quick_gelu" && c.activation != "gelu")
    read.note(fmt::format("hidden_act {} is not supported, only quick_gelu and gelu", c.activation));
  if (c.hidden_size % c.heads != 0)
    read.note(fmt::format("hidden_size {} is not a multiple of num_attention_heads {}", c.hidden_size, c.heads));
  if (c.patch_size % 4 != 0 || c.image_size % c.patch_size != 0)
    read.note(fmt::format("patches of {} do not fit pictures of {}", c.patch_size, c.image_size));
  return c;
}

}  // namespace

Result<ClipSegConfig> parse_clipseg_config(const json& object) {
  ConfigReader read(object, "clipseg.config");
  const auto part = [&](const char* name) {
    return object.is_object() ? object.value(name, json::object()) : json::object();
  };
  const json vision = part("vision_config");
  ConfigReader read_part(vision, "clipseg.config");
  ClipSegConfig c;
  TRY_ASSIGN(c.text, parse_clip_text_config(part("text_config")));
  TRY_ASSIGN(c.vision, read_part.finish(read_vision(read_part)));
  c.projection_dim = read.positive("projection_dim", 512);
  c.extract_layers = read.get("extract_layers", c.extract_layers);
  c.reduce_dim = read.positive("reduce_dim", 64);
  c.decoder_heads = read.positive("decoder_num_attention_heads", 4);
  c.decoder_intermediate_size = read.positive("decoder_intermediate_size", 2048);
  c.conditional_layer = read.get<std::int64_t>("conditional_layer", 0);
  if (!read.get("use_complex_transposed_convolution", false))
    read.note("only the refined decoder (use_complex_transposed_convolution) is supported");
  if (c.reduce_dim % c.decoder_heads != 0 || c.reduce_dim % 2 != 0)
    read.note(fmt::format("reduce_dim {} does not fit {} heads", c.reduce_dim, c.decoder_heads));
  std::int64_t least = 0;
  for (const std::int64_t layer : c.extract_layers) {
    if (layer < least || layer >= c.vision.layers)
      read.note(fmt::format("extract_layers are not rising numbers below {}", c.vision.layers));
    least = layer + 1;
  }
  if (c.extract_layers.empty()) read.note("extract_layers is empty");
  return read.finish(c);
}

Result<UNetConfig> parse_unet_config(const json& object) {
  ConfigReader read(object, "unet.config");
  UNetConfig c;
  c.sample_size = read.positive("sample_size", 64);
  c.in_channels = read.positive("in_channels", 4);
  c.out_channels = read.positive("out_channels", 4);
  c.block_channels = read.positives("block_out_channels", c.block_channels);
  const std::size_t levels = c.block_channels.size();
  c.down_attention = read.attention(
      "down_block_types",
      {"CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"},
      "CrossAttnDownBlock2D", "DownBlock2D");
  c.up_attention = read.attention(
      "up_block_types",
      {"UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"},
      "CrossAttnUpBlock2D", "UpBlock2D");
  c.heads = read.per_level("attention_head_dim", 8, levels);  // misnamed: the number of heads
  c.transformer_layers = read.per_level("transformer_layers_per_block", 1, levels);
  c.layers_per_block = read.positive("layers_per_block", 2);
  c.cross_attention_dim = read.positive("cross_attention_dim", 1280);
  c.linear_projection = read.get("use_linear_projection", false);
  c.upcast_attention = read.get("upcast_attention", false);
  c.groups = read.positive("norm_num_groups", 32);
  c.eps = read.get("norm_eps", 1e-5);
  c.cos_first = read.get("flip_sin_to_cos", true);
  c.frequency_shift = read.get("freq_shift", 0.0);
  if (read.get<std::string>("addition_embed_type", "") == "text_time") {
    c.addition_time_dim = read.positive("addition_time_embed_dim", 256);
    c.addition_input_dim = read.positive("projection_class_embeddings_input_dim", 2816);
  } else {
    read.require_null("addition_embed_type");
  }
  read.require("act_fn", "silu");
  read.require("mid_block_type", "UNetMidBlock2DCrossAttn");
  read.require("center_input_sample", false);
  read.require("only_cross_attention", false);
  read.require("dual_cross_attention", false);
  read.require("resnet_time_scale_shift", "default");
  read.require("time_embedding_type", "positional");
  read.require("downsample_padding", 1);
  read.require("mid_block_scale_factor", 1.0);
  read.require("conv_in_kernel", 3);
  read.require("conv_out_kernel", 3);
  read.require_null("class_embed_type");
  read.require_null("encoder_hid_dim");
  read.require_null("time_cond_proj_dim");
  read.require_null("num_attention_heads");
  if (levels == 0 || c.down_attention.size() != levels || c.up_attention.size() != levels)
    read.note("block_out_channels, down_block_types and up_block_types differ in length");
  for (std::size_t i = 0; i < levels && i < c.heads.size(); ++i)
    if (c.block_channels[i] % c.groups != 0 || c.heads[i] < 1 || c.block_channels[i] % c.heads[i] != 0)
      read.note(fmt::format("{} channels do not divide into {} groups and {} heads",
                            c.block_channels[i], c.groups, c.heads[i]));
  return read.finish(c);
}

Result<VaeConfig> parse_vae_config(const json& object) {
  ConfigReader read(object, "vae.config");
  VaeConfig c;
  c.in_channels = read.positive("in_channels", 3);
  c.out_channels = read.positive("out_channels", 3);
  c.latent_channels = read.positive("latent_channels", 4);
  c.block_channels = read.positives("block_out_channels", {64});
  c.layers_per_block = read.positive("layers_per_block", 1);
  c.groups = read.positive("norm_num_groups", 32);
  c.scaling_factor = read.get("scaling_factor", 0.18215);
  read.require("act_fn", "silu");
  read.require("use_quant_conv", true);
  read.require("use_post_quant_conv", true);
  read.require("mid_block_add_attention", true);
  read.require_null("shift_factor");
  read.attention("down_block_types", {}, "", "DownEncoderBlock2D");
  read.attention("up_block_types", {}, "", "UpDecoderBlock2D");
  if (c.block_channels.empty()) read.note("block_out_channels is empty");
  for (const auto channels : c.block_channels)
    if (channels % c.groups != 0)
      read.note(fmt::format("{} channels do not divide into {} groups", channels, c.groups));
  return read.finish(c);
}

}  // namespace invokeai::nn
