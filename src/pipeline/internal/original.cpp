#include "pipeline/internal/original.h"

#include "image/color_correct.h"
#include "image/compose.h"
#include "image/convert.h"
#include "image/mask.h"
#include "image/resize.h"

namespace invokeai::pipeline {
namespace {

image::Image scaled(const image::Image& picture, Size size) {
  return image::resize(picture, size.width, size.height, image::ResizeFilter::lanczos);
}

}  // namespace

Result<Original> prepare_original(const GenerationRequest& request, Size box) {
  const InitImage& init = *request.init;
  const Size size = init_size({init.picture.width, init.picture.height}, init.fit, box);
  Original original;
  original.picture = image::with_channels(scaled(init.picture, size), 3);
  if (!request.inpaint.mask && !image::has_transparency(init.picture)) return original;
  TRY_ASSIGN(const image::Image mask,
             image::make_mask(init.picture, request.inpaint.mask, request.inpaint.invert));
  TRY_VOID(image::check_repaints(mask));
  original.mask = scaled(mask, size);
  return original;
}

image::Image join(const Original& original, image::Image drawn, const InpaintOptions& options) {
  if (!original.mask) return drawn;
  if (options.match_colors)
    drawn = image::match_mean_and_spread(drawn, original.picture, *original.mask);
  return image::blend(drawn, original.picture,
                      image::paste_mask(*original.mask, original.picture, options.blur));
}

}  // namespace invokeai::pipeline
