#pragma once
// Pictures to latents and back, through the model's VAE, with a second try in f32 where half
// precision overflows.

#include <ATen/ATen.h>

#include <functional>
#include <string>

#include "base/result.h"
#include "nn/vae.h"
#include "pipeline/device.h"
#include "pipeline/model_memory.h"

namespace invokeai::pipeline {

/// Keeps references: the VAE, its memory and the choice must outlive it.
class LatentCodec {
 public:
  using Tell = std::function<void(const std::string&)>;
  /// `model` is the path of the files the VAE came from, for messages; `wrap` is what the VAE's convolutions are set to.
  LatentCodec(nn::Vae& vae, ModelMemory& memory, const DeviceChoice& choice, nn::Wrap wrap,
              std::string model, Tell tell)
      : vae_(vae),
        memory_(memory),
        choice_(choice),
        wrap_(wrap),
        model_(std::move(model)),
        tell_(std::move(tell)) {}

  /// Pixels per latent cell.
  int scale() const { return static_cast<int>(vae_.scale()); }
  std::int64_t channels() const { return vae_.config().latent_channels; }
  /// Whether decoding is quick enough for every preview: far below the 49 million parameters of
  /// Stable Diffusion's own decoder, whose colours `sampling::latent_preview` knows.
  bool is_small() const { return nn::parameter_count(vae_.decoder()) < 10'000'000; }

  /// A sample of what the encoder says, scaled for the UNet: factor * (mean + deviation * noise).
  ///   pixels [1,3,H,W] f32 in [-1,1];  noise [B,4,h,w] f32, unit variance  ->  [B,4,h,w] f32
  /// Source: generation spec 7.2. Errors: bad_file when the numbers are not finite in f32 either.
  Result<at::Tensor> encode(const at::Tensor& pixels, const at::Tensor& noise);

  /// [1,4,h,w] f32 -> pixels [1,3,H,W] f32, in bands where the memory plan says so. Errors:
  /// bad_file for latents that are not finite, and as above: never a black picture.
  Result<at::Tensor> decode(const at::Tensor& latents);

 private:
  /// What `compute(dtype)` gives in the model's type, or in f32 if that is not finite.
  Result<at::Tensor> finite(const std::function<at::Tensor(at::ScalarType)>& compute,
                            ModelPart part);

  at::Tensor decode_scaled(const at::Tensor& latents);

  nn::Vae& vae_;
  ModelMemory& memory_;
  const DeviceChoice& choice_;
  nn::Wrap wrap_;
  std::string model_;
  Tell tell_;
};

}  // namespace invokeai::pipeline
