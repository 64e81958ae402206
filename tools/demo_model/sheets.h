#pragma once
// What a training shows of itself: sheets of pictures and loss curves, as PNG files.

#include <ATen/ATen.h>

#include <vector>

#include "demo_model/trainer.h"
#include "image/image.h"

namespace invokeai::demo {

/// Pictures of one size side by side, `columns` in a row.
Result<> write_sheet(const fs::path& file, const std::vector<image::Image>& pictures,
                     int columns = 8);

/// The values from left to right, the lowest at the bottom, on a logarithmic scale; their running
/// mean is drawn dark.
Result<> write_curve(const fs::path& file, const std::vector<double>& values);

/// [B,3,H,W] in [-1,1], any type and device, as pictures.
std::vector<image::Image> to_pictures(const at::Tensor& pixels);

}  // namespace invokeai::demo
