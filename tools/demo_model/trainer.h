#pragma once
// Trains the demo model: its VAE, its text encoder and its UNet, from pictures the drawer paints.
// Every stage saves checkpoints, can be resumed, and logs one line each few seconds.

#include <ATen/ATen.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "drawer/scene.h"

namespace invokeai::demo {

namespace fs = std::filesystem;

/// What the UNet paints from: words alone, or words and a picture with a hole (9 channels).
enum class Kind { text_to_image, inpainting };
/// What the UNet predicts.
enum class Prediction { noise, velocity };

struct TrainOptions {
  fs::path folder = {};    ///< the model folder; checkpoints lie in its `training` folder
  fs::path training = {};  ///< checkpoints, logs and samples of all stages
  std::string device = "cpu";
  std::int64_t pictures = 0;  ///< total to train on, counted over all sittings
  std::int64_t decay = 0;     ///< over the last so many pictures the learning rate falls to 0
  double minutes = 1e9;       ///< stop (with a checkpoint) after this time
  int batch = 32;
  double learning_rate = 1e-3;
  int size = 128;  ///< side of the pictures, pixels
  int learn_size = 0;  ///< side of the pictures that the UNet stage learns from; 0: `size`
  int crop = 0;        ///< side of the squares that the VAE stage learns from; 0: half of `size`
  std::uint64_t seed = 1;
  int cache = 16000;             ///< encoded pictures held in memory (UNet stage)
  int portraits = 0;             ///< further ones, of one thing on a plain ground, flat or shiny
  int other_sizes =
      0;  ///< further ones in each of seven sizes and shapes from 3/4 to 6/4 of `size`
  std::optional<fs::path> from =
      {};  ///< model folder whose weights a stage begins with; else `folder`
  Kind kind = Kind::text_to_image;
  Prediction prediction = Prediction::noise;
  /// Leaves the text encoder and the UNet's deepest level as they are: their files, and those of
  /// the autoencoder, are links into the folder that training begins from.
  bool shared = false;
  std::optional<drawer::Rendering> style =
      {};  ///< paint everything in this manner, whatever captions say
  drawer::Vocabulary vocabulary = drawer::Vocabulary::full;
  double overshoot = 0;      ///< how far latents are pushed outwards, see diffusion.h
  double offset = 0.2;       ///< deviation of the means of noise, see diffusion.h
  int sheet = 16;            ///< pictures on the sheets that the UNet stage draws
  double save_minutes = 10;  ///< between checkpoints, each with a sheet and the loss curve
};

/// Byte-pair vocabulary of all captions -> folder/tokenizer. Quick.
Result<> make_tokenizer(const TrainOptions& options);
/// Autoencoder: squared error, L1, edges at three scales and a little KL. -> folder/vae
Result<> train_vae(const TrainOptions& options);
/// Text encoder: learns to tell what a caption says (colours, shapes, places) before it meets the
/// UNet, so that the UNet's cross-attention finds meaning from its first step. ->
/// folder/text_encoder
Result<> train_text(const TrainOptions& options);
/// UNet and text encoder together, see diffusion.h; 15 % of the captions dropped for guidance. Also
/// makes fine-tunes: for inpainting, of velocity prediction, of one style.
/// -> folder/unet, folder/text_encoder, and the folder's other parts if they come from elsewhere
Result<> train_unet(const TrainOptions& options);
/// The files that make the folder a pipeline: model_index.json, scheduler/scheduler_config.json.
Result<> write_index(const TrainOptions& options);
/// The eyes that measure what pictures show, see judge.h. -> folder/judge.safetensors
Result<> train_judge(const TrainOptions& options);

/// Learning rate after `done` pictures of a sitting with `left` to come: 100 steps of warm-up, then
/// constant, then half a cosine down to 0 over the last `decay` pictures.
double learning_rate(const TrainOptions& options, std::int64_t done, double left);

}  // namespace invokeai::demo
