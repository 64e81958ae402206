#include "random_model/kinds.h"

namespace invokeai::random_model {
namespace {

using nlohmann::json;

/// Sizes in which the kinds and their tiny forms differ.
struct Sizes {
  std::vector<int> unet, vae;  ///< channels by level
  json heads;                  ///< of the UNet: one number, or one a level
  int text_width, text_inner, text_heads, text_layers;
};

/// Heads follow the families' rules, so that they can be read off a single file: 8 in SD1, one for
/// 64 channels in SD2 and in text encoders.
Sizes sizes_of(bool sd2, bool tiny) {
  if (tiny && sd2) return {{32, 64, 128, 128}, {32, 32, 64, 64}, {1, 1, 2, 2}, 128, 512, 2, 4};
  if (tiny) return {{32, 64, 128, 128}, {32, 32, 64, 64}, 8, 128, 512, 2, 3};
  if (sd2)
    return {{320, 640, 1280, 1280}, {128, 256, 512, 512}, {5, 10, 20, 20}, 1024, 4096, 16, 23};
  return {{320, 640, 1280, 1280}, {128, 256, 512, 512}, 8, 768, 3072, 12, 12};
}

json unet_config(Kind kind, const Sizes& sizes) {
  const bool sd2 = kind == Kind::sd21_768;
  return {{"_class_name", "UNet2DConditionModel"},
          {"act_fn", "silu"},
          {"attention_head_dim", sizes.heads},  // the key's name lies: these are head counts
          {"block_out_channels", sizes.unet},
          {"center_input_sample", false},
          {"cross_attention_dim", sizes.text_width},
          {"down_block_types",
           {"CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"}},
          {"downsample_padding", 1},
          {"flip_sin_to_cos", true},
          {"freq_shift", 0},
          {"in_channels", model_kind(kind).in_channels},
          {"layers_per_block", 2},
          {"mid_block_scale_factor", 1},
          {"mid_block_type", "UNetMidBlock2DCrossAttn"},
          {"norm_eps", 1e-5},
          {"norm_num_groups", 32},
          {"out_channels", 4},
          {"sample_size", sd2 ? 96 : 64},
          {"up_block_types",
           {"UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"}},
          {"upcast_attention", sd2},
          {"use_linear_projection", sd2}};
}

json vae_config(bool sd2, const Sizes& sizes) {
  const auto levels = sizes.vae.size();
  return {{"_class_name", "AutoencoderKL"},
          {"act_fn", "silu"},
          {"block_out_channels", sizes.vae},
          {"down_block_types", std::vector<std::string>(levels, "DownEncoderBlock2D")},
          {"in_channels", 3},
          {"latent_channels", 4},
          {"layers_per_block", 2},
          {"norm_num_groups", 32},
          {"out_channels", 3},
          {"sample_size", sd2 ? 768 : 512},
          {"scaling_factor", 0.18215},
          {"up_block_types", std::vector<std::string>(levels, "UpDecoderBlock2D")}};
}

json text_config(bool sd2, const Sizes& sizes) {
  return {{"architectures", {"CLIPTextModel"}},
          {"bos_token_id", 49406},
          {"eos_token_id", 49407},
          {"hidden_act", sd2 ? "gelu" : "quick_gelu"},
          {"hidden_size", sizes.text_width},
          {"intermediate_size", sizes.text_inner},
          {"layer_norm_eps", 1e-5},
          {"max_position_embeddings", 77},
          {"model_type", "clip_text_model"},
          {"num_attention_heads", sizes.text_heads},
          {"num_hidden_layers", sizes.text_layers},
          {"pad_token_id", 1},
          {"projection_dim", sizes.text_width},
          {"vocab_size", 49408}};
}

}  // namespace

models::ModelKind model_kind(Kind kind) {
  if (kind == Kind::sd21_768) return {models::Family::sd2, models::Prediction::v, 4};
  return {models::Family::sd1, models::Prediction::epsilon, kind == Kind::sd15 ? 4 : 9};
}

models::ModelConfigs configs_of(Kind kind, bool tiny) {
  const bool sd2 = kind == Kind::sd21_768;
  const Sizes sizes = sizes_of(sd2, tiny);
  models::ModelConfigs configs;
  configs.unet = unet_config(kind, sizes);
  configs.vae = vae_config(sd2, sizes);
  configs.text_encoder = text_config(sd2, sizes);
  configs.scheduler = models::scheduler_config(model_kind(kind));
  return configs;
}

json model_index(Kind kind, const models::ModelConfigs& configs) {
  const bool inpainting = kind == Kind::sd15_inpainting;
  const json none = {nullptr, nullptr};
  return {
      {"_class_name", inpainting ? "StableDiffusionInpaintPipeline" : "StableDiffusionPipeline"},
      {"feature_extractor", none},
      {"requires_safety_checker", false},
      {"safety_checker", none},
      {"scheduler", {"diffusers", configs.scheduler["_class_name"]}},
      {"text_encoder", {"transformers", "CLIPTextModel"}},
      {"tokenizer", {"transformers", "CLIPTokenizer"}},
      {"unet", {"diffusers", "UNet2DConditionModel"}},
      {"vae", {"diffusers", "AutoencoderKL"}}};
}

}  // namespace invokeai::random_model
