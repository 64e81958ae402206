#pragma once
// The one place where pictures become tensors and tensors become pictures.

#include <ATen/ATen.h>

#include "image/image.h"

namespace invokeai::pipeline {

/// [1,3,H,W] or [3,H,W], values in [-1,1] (clamped) -> RGB, rounded half to even.
image::Image to_image(const at::Tensor& pixels);

/// RGB -> [1,3,H,W] f32 in [-1,1] on the CPU.
at::Tensor to_pixels(const image::Image& picture);

/// [h,w,3] u8 -> RGB.
image::Image bytes_to_image(const at::Tensor& bytes);

}  // namespace invokeai::pipeline
