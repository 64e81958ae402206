#pragma once
// A small Stable Diffusion of the true architecture with weights from a formula, written as a
// diffusers folder or as a single file in the LDM layout.

#include <fstream>
#include <nlohmann/json.hpp>

#include "models/convert/checkpoint.h"
#include "models/formats/safetensors.h"
#include "models/formats/torch_file.h"
#include "models/tensors.h"
#include "nn/clip_text.h"
#include "nn/formula_weights.h"
#include "nn/unet.h"
#include "nn/vae.h"

namespace invokeai::models::testing {

using nlohmann::json;

/// Networks by the names of a folder's config.json, with their tensors.
struct WholeModel {
  json unet, vae, text_encoder, scheduler;
  SplitCheckpoint parts;
};

/// f16 tensors of a network, filled by formula.
template <class Network, class Config>
TensorSource part_of(const Config& config) {
  Network network(*config);
  nn::testing::fill_by_formula(network);
  nn::convert(network, at::kCPU, at::kHalf);
  TensorSource source;
  source.tensors = as_views(parameters_of(network));
  return source;
}

/// SD 1.x (eight heads, 1x1 convolutions around the transformers, CLIP) or SD 2.x (heads of 64,
/// linear projections, OpenCLIP), with the vocabulary of the published models.
inline WholeModel make_whole_model(bool sd2) {
  WholeModel model;
  model.unet = {{"block_out_channels", {64, 128}},
                {"down_block_types", {"CrossAttnDownBlock2D", "DownBlock2D"}},
                {"up_block_types", {"UpBlock2D", "CrossAttnUpBlock2D"}},
                {"attention_head_dim", sd2 ? json{1, 2} : json(8)},
                {"cross_attention_dim", 64},
                {"in_channels", 4},
                {"layers_per_block", 1},
                {"sample_size", 64},
                {"use_linear_projection", sd2}};
  model.vae = {{"block_out_channels", {16, 32, 32, 32}},
               {"down_block_types", json(std::vector<std::string>(4, "DownEncoderBlock2D"))},
               {"up_block_types", json(std::vector<std::string>(4, "UpDecoderBlock2D"))},
               {"norm_num_groups", 16},
               {"latent_channels", 4},
               {"layers_per_block", 1}};
  model.text_encoder = {{"hidden_size", 64},        {"intermediate_size", 128},
                        {"num_attention_heads", 1}, {"num_hidden_layers", 2},
                        {"vocab_size", 49408},      {"hidden_act", sd2 ? "gelu" : "quick_gelu"}};
  model.scheduler = {
      {"beta_start", 0.00085},       {"beta_end", 0.012}, {"beta_schedule", "scaled_linear"},
      {"num_train_timesteps", 1000}, {"steps_offset", 1}, {"set_alpha_to_one", false},
      {"prediction_type", "epsilon"}};
  model.parts.unet = part_of<nn::UNet>(nn::parse_unet_config(model.unet));
  model.parts.vae = part_of<nn::Vae>(nn::parse_vae_config(model.vae));
  model.parts.text_encoder = part_of<nn::ClipText>(nn::parse_clip_text_config(model.text_encoder));
  model.parts.open_clip = sd2;
  return model;
}

inline void write_text(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

enum class FolderWeights { safetensors, pickles };

/// Without a tokenizer folder: the built-in vocabulary.
inline Result<> write_folder(const fs::path& folder, const WholeModel& model,
                             FolderWeights weights = FolderWeights::safetensors) {
  write_text(folder / "model_index.json", R"({"_class_name": "StableDiffusionPipeline"})");
  write_text(folder / "unet/config.json", model.unet.dump());
  write_text(folder / "vae/config.json", model.vae.dump());
  write_text(folder / "text_encoder/config.json", model.text_encoder.dump());
  write_text(folder / "scheduler/scheduler_config.json", model.scheduler.dump());
  const auto write = [&](const fs::path& stem, const TensorSource& part) -> Result<> {
    fs::path file = folder / stem;
    if (weights == FolderWeights::pickles)
      return write_torch_file(file += ".bin", part.tensors, {.nested = false, .numbers = {}});
    return write_safetensors(file += ".safetensors", part.tensors, {{"format", "pt"}});
  };
  TRY_VOID(write("unet/diffusion_pytorch_model", model.parts.unet));
  TRY_VOID(write("vae/diffusion_pytorch_model", model.parts.vae));
  return write(
      weights == FolderWeights::pickles ? "text_encoder/pytorch_model" : "text_encoder/model",
      model.parts.text_encoder);
}

/// .safetensors or, for any other ending, a torch file, in the names of LDM.
inline Result<> write_single_file(const fs::path& file, const WholeModel& model) {
  TRY_ASSIGN(const TensorSource joined, join_checkpoint(model.parts));
  if (file.extension() == ".safetensors") return write_safetensors(file, joined.tensors, {});
  return write_torch_file(file, joined.tensors);
}

}  // namespace invokeai::models::testing
