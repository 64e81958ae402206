#include "pipeline/internal/ways.h"

namespace invokeai::pipeline {

Result<Outcome> draw_from_noise(Batch& batch) {
  TRY_ASSIGN(Pass pass, batch.pass(1));
  pass.mirror = true;
  batch.expect(pass.plan.evaluations());
  pass.noise = batch.noise().starting(batch.latent_shape(batch.order().size), batch.device());
  const auto latents = batch.denoise(pass);
  if (!latents) return Outcome::cancelled;
  return batch.deliver_all(*latents);
}

}  // namespace invokeai::pipeline
