#include "pipeline/internal/painting.h"

#include "image/mask.h"
#include "pipeline/internal/picture_pass.h"

namespace invokeai::pipeline {
namespace {

using Pictures = std::vector<image::Image>;

/// What the batch starts from: the holes of each picture are filled by its own seed.
Pictures first_colours(const Batch& batch, const Original& original) {
  Pictures starts;
  const int count = original.has_holes() ? batch.count() : 1;
  for (int i = 0; i < count; ++i)
    starts.push_back(original.filled(batch.request().outpaint.infill, batch.seed(i)));
  return starts;
}

/// The band along what was transparent, if there is to be a second pass.
std::optional<image::Image> seam_of(const Original& original, const SeamOptions& seam) {
  if (!original.has_seam || !original.mask || seam.size == 0) return std::nullopt;
  image::Image band = image::seam_mask(*original.mask, seam.size, seam.blur);
  if (image::coverage(band) == image::MaskCoverage::keeps_all) return std::nullopt;
  return band;
}

/// Runs a filled-in pass and joins each picture with what it was painted on.
Result<std::optional<Pictures>> run(Batch& batch, const Pass& pass, const Pictures& below,
                                    const std::optional<image::Image>& mask,
                                    const InpaintOptions& options) {
  const auto latents = batch.denoise(pass);
  if (!latents) return std::nullopt;
  Pictures drawn;
  for (int i = 0; i < batch.count(); ++i) {
    TRY_ASSIGN(image::Image picture, batch.decode(*latents, i));
    const image::Image& original = below[below.size() == 1 ? 0 : static_cast<std::size_t>(i)];
    drawn.push_back(join({.picture = original, .mask = mask}, std::move(picture), options));
  }
  return drawn;
}

}  // namespace

Result<std::optional<Pictures>> paint_on(Batch& batch, const Original& original) {
  const GenerationRequest& request = batch.request();
  const SeamOptions& seam = request.outpaint.seam;
  const std::optional<image::Image> band = seam_of(original, seam);
  TRY_ASSIGN(Pass pass, batch.pass(request.init->strength));
  pass.mirror = true;
  TRY_ASSIGN(Pass seam_pass, batch.pass(seam.strength, seam.steps));
  batch.expect(pass.plan.evaluations() + (band ? seam_pass.plan.evaluations() : 0));

  const Pictures starts = first_colours(batch, original);
  TRY_VOID(start_from_pictures(batch,
                               {.pictures = starts,
                                .mask = original.mask ? &*original.mask : nullptr,
                                .replace = request.inpaint.replace},
                               pass));
  TRY_ASSIGN(std::optional<Pictures> drawn,
             run(batch, pass, {original.picture}, original.mask, request.inpaint));
  if (!drawn || !band) return drawn;
  TRY_VOID(start_from_pictures(batch, {.pictures = *drawn, .mask = &*band}, seam_pass));
  InpaintOptions seam_options = request.inpaint;
  seam_options.blur = 0;  // the band is soft already
  return run(batch, seam_pass, *drawn, band, seam_options);
}

}  // namespace invokeai::pipeline
