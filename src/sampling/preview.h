#pragma once
// A rough picture straight from latents, cheap enough for every step.

#include <ATen/ATen.h>

namespace invokeai::sampling {

/// RGB bytes [h,w,3] u8 on the CPU for the latents [1,4,h,w] of a Stable Diffusion 1 or 2 model
/// (scaled by 0.18215, at best a sampler's `predicted_original`). Source: generation spec 2.1.
at::Tensor latent_preview(const at::Tensor& latents);

}  // namespace invokeai::sampling
