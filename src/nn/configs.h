#pragma once
// Shapes of the networks, read from the config.json files of a diffusers folder (models spec 2.1).

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace invokeai::nn {

struct ClipTextConfig {
  std::int64_t vocab_size = 49408;
  std::int64_t hidden_size = 768;
  std::int64_t intermediate_size = 3072;
  std::int64_t layers = 12;
  std::int64_t heads = 12;
  std::int64_t max_positions = 77;
  std::int64_t projection_dim = 0;  ///< 0: no text_projection
  std::string activation = "quick_gelu";  ///< quick_gelu or gelu
  double eps = 1e-5;
};

struct ClipVisionConfig {
  std::int64_t hidden_size = 768;
  std::int64_t intermediate_size = 3072;
  std::int64_t layers = 12;
  std::int64_t heads = 12;
  std::int64_t image_size = 224;  ///< side in training, a multiple of patch_size
  std::int64_t patch_size = 16;
  std::string activation = "quick_gelu";  ///< quick_gelu or gelu
  double eps = 1e-5;
};

struct ClipSegConfig {
  ClipTextConfig text;
  ClipVisionConfig vision;
  std::int64_t projection_dim = 512;
  std::vector<std::int64_t> extract_layers{3, 6, 9};  ///< rising, from 0
  std::int64_t reduce_dim = 64;
  std::int64_t decoder_heads = 4;
  std::int64_t decoder_intermediate_size = 2048;
  std::int64_t conditional_layer = 0;  ///< of the decoder: where the text comes in
};

struct UNetConfig {
  std::int64_t sample_size = 64;  ///< latent side in training
  std::int64_t in_channels = 4;
  std::int64_t out_channels = 4;
  std::vector<std::int64_t> block_channels{320, 640, 1280, 1280};
  std::vector<bool> down_attention{true, true, true, false};
  std::vector<bool> up_attention{false, true, true, true};
  std::vector<std::int64_t> heads{8, 8, 8, 8};               ///< per level
  std::vector<std::int64_t> transformer_layers{1, 1, 1, 1};  ///< per level; the middle uses the last
  std::int64_t layers_per_block = 2;
  std::int64_t cross_attention_dim = 1280;
  bool linear_projection = false;
  bool upcast_attention = false;
  std::int64_t groups = 32;
  double eps = 1e-5;
  bool cos_first = true;
  double frequency_shift = 0;
  std::int64_t addition_time_dim = 0;     ///< SDXL: 256; 0 without size conditioning
  std::int64_t addition_input_dim = 0;    ///< SDXL: 2816
};

struct VaeConfig {
  std::int64_t in_channels = 3;
  std::int64_t out_channels = 3;
  std::int64_t latent_channels = 4;
  std::vector<std::int64_t> block_channels{128, 256, 512, 512};
  std::int64_t layers_per_block = 2;
  std::int64_t groups = 32;
  double scaling_factor = 0.18215;
};

/// Missing keys take the library's defaults; unknown keys are ignored; a value this program does not
/// implement (another activation, block type, embedding type) is an `unsupported` error naming it.
Result<ClipTextConfig> parse_clip_text_config(const nlohmann::json& json);
Result<ClipSegConfig> parse_clipseg_config(const nlohmann::json& json);
Result<UNetConfig> parse_unet_config(const nlohmann::json& json);
Result<VaeConfig> parse_vae_config(const nlohmann::json& json);

}  // namespace invokeai::nn
