#include "pipeline/internal/picture_pass.h"

#include "image/mask.h"
#include "pipeline/pixels.h"

namespace invokeai::pipeline {
namespace {

/// [1,1,h,w] f32, 1 = repaint.
at::Tensor latent_mask(const image::Image& mask, const std::vector<std::int64_t>& latent) {
  return at::tensor(image::latent_mask(mask)).reshape({1, 1, latent[1], latent[2]});
}

/// [1,1,H,W] f32: 1 where the mask rather keeps than repaints, else 0.
at::Tensor kept_pixels(const image::Image& mask) {
  const at::Tensor bytes = at::from_blob(const_cast<std::uint8_t*>(mask.pixels.data()),
                                         {1, 1, mask.height, mask.width}, at::kByte);
  return (bytes >= 128).to(at::kFloat);
}

std::vector<at::Tensor> all_pixels(std::span<const image::Image> pictures) {
  std::vector<at::Tensor> pixels;
  for (const image::Image& picture : pictures) pixels.push_back(to_pixels(picture));
  return pixels;
}

}  // namespace

Result<> start_from_pictures(Batch& batch, const PictureStart& start, Pass& pass) {
  const image::Image& first = start.pictures.front();
  const auto shape = batch.latent_shape({first.width, first.height});
  std::vector<at::Tensor> pixels = all_pixels(start.pictures);
  TRY_ASSIGN(pass.latents, batch.encode(pixels));
  pass.noise = batch.noise().starting(shape, batch.device());
  if (start.mask == nullptr) return {};

  pass.kept = pass.latents;
  pass.repaint = latent_mask(*start.mask, shape).to(batch.device());
  if (batch.inpainting_model()) {
    // What is to be repainted is hidden from the model: middle grey, 0 in [-1,1].
    const at::Tensor kept = kept_pixels(*start.mask);
    for (at::Tensor& picture : pixels) picture = picture * kept;
    TRY_ASSIGN(const at::Tensor masked, batch.encode(pixels));
    pass.surroundings = at::cat({pass.repaint.expand({batch.count(), -1, -1, -1}), masked}, 1);
  }
  if (start.replace > 0) {
    const at::Tensor noise = batch.noise().plain(shape, batch.device());
    pass.latents = at::lerp(pass.latents, noise, pass.repaint * start.replace);
  }
  return {};
}

}  // namespace invokeai::pipeline
