#pragma once
// The demo model's shape, in the words of diffusers' config files.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace invokeai::demo {

inline nlohmann::json vae_config(int size) {
  return {
      {"_class_name", "AutoencoderKL"},
      {"_diffusers_version", "0.12.1"},
      {"act_fn", "silu"},
      {"block_out_channels", {32, 64, 96, 128}},
      {"down_block_types",
       {"DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"}},
      {"up_block_types",
       {"UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"}},
      {"in_channels", 3},
      {"out_channels", 3},
      {"latent_channels", 4},
      {"layers_per_block", 1},
      {"norm_num_groups", 8},
      {"sample_size", size},
      {"scaling_factor", 1.0}};
}

inline nlohmann::json text_config(int vocab_size) {
  return {{"architectures", {"CLIPTextModel"}},
          {"model_type", "clip_text_model"},
          {"hidden_act", "quick_gelu"},
          {"hidden_size", 128},
          {"intermediate_size", 512},
          {"layer_norm_eps", 1e-5},
          {"max_position_embeddings", 77},
          {"num_attention_heads", 4},
          {"num_hidden_layers", 3},
          {"projection_dim", 128},
          {"vocab_size", vocab_size},
          {"bos_token_id", vocab_size - 2},
          {"eos_token_id", vocab_size - 1},
          {"pad_token_id", vocab_size - 1}};
}

inline nlohmann::json unet_config(int size) {
  // Attention on maps of 8x8 and 4x4 alone: on finer ones it would take a third of the time of a
  // step, and a caption decides nothing that is smaller than a cell of those.
  using Names = std::vector<std::string>;
  std::vector<int> channels = {64, 128, 256};
  Names down = {"DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"};
  Names up = {"CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"};
  for (int side = size / 8; side > 16; side /= 2) {
    channels.insert(channels.begin(), channels.front());
    down.insert(down.begin(), "DownBlock2D");
    up.emplace_back("UpBlock2D");
  }
  return {{"_class_name", "UNet2DConditionModel"},
          {"_diffusers_version", "0.12.1"},
          {"act_fn", "silu"},
          {"attention_head_dim", 4},
          {"block_out_channels", channels},
          {"cross_attention_dim", 128},
          {"down_block_types", down},
          {"up_block_types", up},
          {"mid_block_type", "UNetMidBlock2DCrossAttn"},
          {"in_channels", 4},
          {"out_channels", 4},
          {"layers_per_block", 1},
          {"norm_num_groups", 32},
          {"norm_eps", 1e-5},
          {"sample_size", size / 8},
          {"use_linear_projection", true},
          {"flip_sin_to_cos", true},
          {"freq_shift", 0},
          {"downsample_padding", 1},
          {"mid_block_scale_factor", 1}};
}

inline nlohmann::json scheduler_config(const std::string& prediction) {
  return {{"_class_name", "PNDMScheduler"},
          {"_diffusers_version", "0.12.1"},
          {"beta_start", 0.00085},
          {"beta_end", 0.012},
          {"beta_schedule", "scaled_linear"},
          {"num_train_timesteps", 1000},
          {"clip_sample", false},
          {"set_alpha_to_one", false},
          {"skip_prk_steps", true},
          {"steps_offset", 1},
          {"prediction_type", prediction},
          {"trained_betas", nullptr}};
}

inline nlohmann::json model_index(bool inpainting) {
  return {
      {"_class_name", inpainting ? "StableDiffusionInpaintPipeline" : "StableDiffusionPipeline"},
      {"_diffusers_version", "0.12.1"},
      {"requires_safety_checker", false},
      {"feature_extractor", {nullptr, nullptr}},
      {"safety_checker", {nullptr, nullptr}},
      {"scheduler", {"diffusers", "PNDMScheduler"}},
      {"text_encoder", {"transformers", "CLIPTextModel"}},
      {"tokenizer", {"transformers", "CLIPTokenizer"}},
      {"unet", {"diffusers", "UNet2DConditionModel"}},
      {"vae", {"diffusers", "AutoencoderKL"}}};
}

}  // namespace invokeai::demo
