#include "image/resize.h"
#include "pipeline/internal/original.h"
#include "pipeline/internal/picture_pass.h"
#include "pipeline/internal/ways.h"

namespace invokeai::pipeline {

Result<std::optional<at::Tensor>> latents_from_noise(Batch& batch, Size size) {
  TRY_ASSIGN(Pass pass, batch.pass(1));
  pass.mirror = true;
  batch.expect(pass.plan.evaluations());
  pass.noise = batch.noise().starting(batch.latent_shape(size), batch.device());
  return batch.denoise(pass);
}

Result<Outcome> draw_from_noise(Batch& batch) {
  TRY_ASSIGN(const auto latents, latents_from_noise(batch, batch.order().size));
  if (!latents) return Outcome::cancelled;
  return batch.deliver_all(*latents);
}

Result<Outcome> draw_in_two_passes(Batch& batch) {
  const GenerationRequest& request = batch.request();
  Size size = batch.order().size;
  Original original;
  if (request.init) {
    TRY_ASSIGN(original, prepare_original(request, size));
    size = {original.picture.width, original.picture.height};
  }
  const Size first_size = hires_first_size(size, batch.order().native);
  TRY_ASSIGN(Pass first, batch.pass(request.init ? request.init->strength : 1));
  TRY_ASSIGN(Pass second, batch.pass(request.hires->strength));
  first.mirror = true;
  batch.expect(first.plan.evaluations() + second.plan.evaluations());

  if (request.init) {
    const image::Image small = image::resize(original.picture, first_size.width, first_size.height,
                                             image::ResizeFilter::lanczos);
    TRY_VOID(start_from_pictures(batch, {.pictures = {&small, 1}}, first));
  } else {
    first.noise = batch.noise().starting(batch.latent_shape(first_size), batch.device());
  }
  const auto small = batch.denoise(first);
  if (!small) return Outcome::cancelled;
  const auto shape = batch.latent_shape(size);
  second.latents = at::upsample_bilinear2d(*small, {shape[1], shape[2]}, /*align_corners=*/false);
  second.noise = batch.noise().starting(shape, batch.device());
  const auto latents = batch.denoise(second);
  if (!latents) return Outcome::cancelled;
  return batch.deliver_all(*latents);
}

}  // namespace invokeai::pipeline
