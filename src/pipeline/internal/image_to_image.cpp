#include "pipeline/internal/painting.h"
#include "pipeline/internal/ways.h"

namespace invokeai::pipeline {
namespace {

Result<Outcome> deliver(Batch& batch, std::vector<image::Image> pictures) {
  batch.share_time();
  for (int i = 0; i < batch.count(); ++i) {
    TRY_ASSIGN(const Outcome outcome,
               batch.deliver(i, std::move(pictures[static_cast<std::size_t>(i)])));
    if (outcome == Outcome::cancelled) return outcome;
  }
  return Outcome::completed;
}

using Pictures = std::vector<image::Image>;

Result<std::optional<Pictures>> pictures_from_noise(Batch& batch, Size size) {
  TRY_ASSIGN(const auto latents, latents_from_noise(batch, size));
  if (!latents) return std::nullopt;
  Pictures pictures;
  for (int i = 0; i < batch.count(); ++i) {
    TRY_ASSIGN(image::Image picture, batch.decode(*latents, i));
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

Result<std::optional<Pictures>> pictures_on(Batch& batch, const image::CanvasPart& part) {
  Original original{.picture = part.picture,
                    .mask = {},
                    .has_seam = part.mode == image::CanvasMode::outpainting};
  if (part.mode != image::CanvasMode::img2img) original.mask = part.mask;
  batch.skip_text_to_image();
  return paint_on(batch, original);
}

}  // namespace

Result<Outcome> draw_from_picture(Batch& batch) {
  const GenerationRequest& request = batch.request();
  TRY_ASSIGN(const Original original, prepare_original(request, batch.order().size));
  batch.skip_text_to_image();
  TRY_ASSIGN(auto pictures, paint_on(batch, original));
  if (!pictures) return Outcome::cancelled;
  return deliver(batch, std::move(*pictures));
}

Result<Outcome> draw_in_box(Batch& batch) {
  const GenerationRequest& request = batch.request();
  image::CanvasOptions options{.scale = request.canvas->scale,
                               .infill = request.outpaint.infill,
                               .invert_mask = request.inpaint.invert,
                               .mask_blur = request.inpaint.blur};
  options.infill.seed = batch.seed(0);
  if (options.scale.optimum == 0) options.scale.optimum = batch.order().native;
  TRY_ASSIGN(const image::CanvasPart part,
             image::cut_canvas_part(request.init->picture, request.inpaint.mask,
                                    request.canvas->box, options));
  const Size working{part.working.width, part.working.height};
  TRY_ASSIGN(auto pictures, part.mode == image::CanvasMode::txt2img
                                ? pictures_from_noise(batch, working)
                                : pictures_on(batch, part));
  if (!pictures) return Outcome::cancelled;
  for (image::Image& picture : *pictures) picture = part.finished(picture);
  return deliver(batch, std::move(*pictures));
}

}  // namespace invokeai::pipeline
