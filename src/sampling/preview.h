#pragma once
// A rough picture straight from latents, cheap enough for every step.

#include <ATen/ATen.h>

namespace invokeai::sampling {

/// Colours are nearly a linear function of latents: rgb = latent * weight + bias, in [-1,1].
struct PreviewColors {
  at::Tensor weight;  ///< [channels,3] f32
  at::Tensor bias;    ///< [3] f32
};

/// Of the autoencoder of Stable Diffusion 1 and 2, latents scaled by 0.18215. Source: generation
/// spec 2.1.
PreviewColors stable_diffusion_colors();

/// Of another autoencoder, from examples: least squares.
///   latents [n,channels] f32, colors [n,3] f32 in [-1,1], n above the number of channels
PreviewColors fit_preview_colors(const at::Tensor& latents, const at::Tensor& colors);

/// RGB bytes [h,w,3] u8 on the CPU for the latents [1,channels,h,w] of a UNet, at best a sampler's
/// `predicted_original`.
at::Tensor latent_preview(const at::Tensor& latents, const PreviewColors& colors);

}  // namespace invokeai::sampling
