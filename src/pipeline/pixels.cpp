#include "pipeline/pixels.h"

#include <cstring>

namespace invokeai::pipeline {

image::Image bytes_to_image(const at::Tensor& bytes) {
  TORCH_CHECK(bytes.dim() == 3 && bytes.size(2) == 3, "bytes must be [h,w,3], got ", bytes.sizes());
  const at::Tensor plain = bytes.to(at::kCPU).contiguous();
  image::Image picture(static_cast<int>(plain.size(1)), static_cast<int>(plain.size(0)), 3);
  std::memcpy(picture.pixels.data(), plain.const_data_ptr<std::uint8_t>(), picture.pixels.size());
  return picture;
}

image::Image to_image(const at::Tensor& pixels) {
  const at::Tensor one = pixels.dim() == 4 ? pixels[0] : pixels;
  const at::Tensor unit = (one.to(at::kCPU, at::kFloat) / 2 + 0.5).clamp(0, 1);
  return bytes_to_image((unit * 255).round().to(at::kByte).permute({1, 2, 0}));
}

at::Tensor to_pixels(const image::Image& picture) {
  TORCH_CHECK(picture.channels == 3, "an RGB picture is wanted");
  const at::Tensor bytes =
      at::from_blob(const_cast<std::uint8_t*>(picture.pixels.data()),
                    {1, picture.height, picture.width, 3}, at::TensorOptions().dtype(at::kByte));
  return bytes.permute({0, 3, 1, 2}).to(at::kFloat).mul_(2.0 / 255).sub_(1);
}

}  // namespace invokeai::pipeline
