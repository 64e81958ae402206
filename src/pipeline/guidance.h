#pragma once
// Classifier-free guidance (Ho & Salimans 2022): the network asked with and without the prompt.

#include "nn/unet.h"
#include "pipeline/conditioning.h"

namespace invokeai::pipeline {

/// The denoiser of one request. Keeps references: network and conditioning must outlive it.
class Guidance {
 public:
  /// `scale` is g in e_u + g * sum of w_k (e_k - e_u), >= 1.
  Guidance(const nn::UNet& unet, const Conditioning& conditioning, double scale)
      : unet_(unet), conditioning_(conditioning), scale_(scale) {}

  /// Guided network output for every picture of the batch.
  ///   model_input [B,4,h,w] f32, scaled for the model;  timestep 0..999, may be fractional
  ///   dtype       the type of the network's weights
  ///   surroundings  [B,5,h,w] f32, for inpainting models: mask (1 = repaint) and latents of what is
  ///                 kept; undefined: repaint everything. Other models don't look at it.
  /// Result [B,4,h,w] f32. Each picture is evaluated on its own so that its numbers don't depend on
  /// the batch it came in.
  at::Tensor predict(const at::Tensor& model_input, double timestep, at::ScalarType dtype,
                     const at::Tensor& surroundings = {}) const;

 private:
  at::Tensor predict_one(const at::Tensor& input, double timestep) const;

  const nn::UNet& unet_;
  const Conditioning& conditioning_;
  double scale_;
};

}  // namespace invokeai::pipeline
