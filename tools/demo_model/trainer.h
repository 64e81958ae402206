#pragma once
// Trains the demo model: its VAE, its text encoder and its UNet, from pictures the drawer paints.
// Every stage saves checkpoints, can be resumed, and logs one line each few seconds.

#include <ATen/ATen.h>

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"

namespace invokeai::demo {

namespace fs = std::filesystem;

struct TrainOptions {
  fs::path folder;                 ///< the model folder; checkpoints lie in its `training` folder
  fs::path training;               ///< checkpoints, logs and samples of all stages
  std::string device = "cpu";
  std::int64_t pictures = 0;       ///< total to train on, counted over all sittings
  std::int64_t decay = 0;          ///< over the last so many pictures the learning rate falls to 0
  double minutes = 1e9;            ///< stop (with a checkpoint) after this time
  int batch = 32;
  double learning_rate = 1e-3;
  int size = 128;                  ///< side of the pictures, pixels
  std::uint64_t seed = 1;
  int cache = 16000;               ///< encoded pictures held in memory (UNet stage)
};

/// Byte-pair vocabulary of all captions -> folder/tokenizer. Quick.
Result<> make_tokenizer(const TrainOptions& options);
/// Autoencoder: L1 + L1 of gradients + 1e-6 KL. -> folder/vae
Result<> train_vae(const TrainOptions& options);
/// Text encoder: learns to tell what a caption says (colours, shapes, places) before it meets the
/// UNet, so that the UNet's cross-attention finds meaning from its first step. -> folder/text_encoder
Result<> train_text(const TrainOptions& options);
/// UNet and text encoder together: noise prediction with min-SNR weighting (Hang 2023), 10 % of the
/// captions dropped for guidance. -> folder/unet, folder/text_encoder
Result<> train_unet(const TrainOptions& options);
/// Small convolutional network that tells the drawer's shapes apart, for measurements.
Result<> train_shape_classifier(const TrainOptions& options);

/// Learning rate after `done` pictures: 100 steps of warm-up, constant, linear fall at the end.
double learning_rate(const TrainOptions& options, std::int64_t done);
/// The same where time may end the sitting before the pictures do: `left` pictures are to come.
double learning_rate(const TrainOptions& options, std::int64_t done, std::int64_t left);

}  // namespace invokeai::demo
