#include "pipeline/internal/original.h"
#include "pipeline/internal/picture_pass.h"
#include "pipeline/internal/ways.h"

namespace invokeai::pipeline {

Result<Outcome> draw_from_picture(Batch& batch) {
  const GenerationRequest& request = batch.request();
  TRY_ASSIGN(const Original original, prepare_original(request, batch.order().size));
  TRY_ASSIGN(Pass pass, batch.pass(request.init->strength));
  pass.mirror = true;
  batch.expect(pass.plan.evaluations());
  // 2.3.0 had drawn noise for text to image before it looked at the picture (generation spec 1.3).
  batch.noise().plain(batch.latent_shape(batch.order().size), batch.device());
  TRY_VOID(start_from_pictures(batch,
                               {.pictures = {&original.picture, 1},
                                .mask = original.mask ? &*original.mask : nullptr,
                                .replace = request.inpaint.replace},
                               pass));
  const auto latents = batch.denoise(pass);
  if (!latents) return Outcome::cancelled;
  return batch.deliver_all(*latents, [&](image::Image drawn) {
    return join(original, std::move(drawn), request.inpaint);
  });
}

}  // namespace invokeai::pipeline
