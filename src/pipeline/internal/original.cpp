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

/// With the room that outpainting needs.
Result<image::Image> with_room(const image::Image& picture, const OutpaintOptions& outpaint) {
  if (!outpaint.outcrop.empty()) return image::outcropped(picture, outpaint.outcrop);
  if (outpaint.shift) return image::shifted_out(picture, *outpaint.shift);
  return picture;
}

}  // namespace

image::Image Original::filled(image::InfillOptions infill, std::uint32_t seed) const {
  infill.seed = seed;
  return image::infill(picture, infill);
}

Result<Original> prepare_original(const GenerationRequest& request, Size box) {
  TRY_ASSIGN(image::Image start, with_room(request.init->picture, request.outpaint));
  const Size size = init_size({start.width, start.height}, request.init->fit, box);
  const bool holes = image::has_transparency(start);
  Original original{.picture = image::with_channels(scaled(start, size), holes ? 4 : 3),
                    .mask = {},
                    .has_seam = holes};
  if (!request.inpaint.mask && !holes && !request.inpaint.force) return original;
  TRY_ASSIGN(const image::Image mask,
             image::make_mask(start, request.inpaint.mask, request.inpaint.invert));
  TRY_VOID(image::check_repaints(mask));
  original.mask = scaled(mask, size);
  return original;
}

std::vector<std::string> notices_of(const GenerationRequest& request, int native) {
  std::vector<std::string> notices;
  if (!request.init) return notices;
  const image::Image& picture = request.init->picture;
  const bool own_size = !request.init->fit && !request.canvas && !request.embiggen;
  const auto pixels = static_cast<std::int64_t>(picture.width) * picture.height;
  if (own_size && !request.hires && pixels > static_cast<std::int64_t>(native) * native)
    notices.push_back(
        fmt::format("the starting picture has {} x {} pixels, more than the {} x {} of this model's "
                    "own; that takes memory and time, and motifs may repeat (--fit scales it down)",
                    picture.width, picture.height, native, native));
  if (own_size && picture.width < native && picture.height < native)
    notices.push_back(
        fmt::format("the starting picture has only {} x {} pixels; this model draws best at {} x {} "
                    "(--fit scales it up)",
                    picture.width, picture.height, native, native));
  const bool alpha_is_mask =
      !request.inpaint.mask && !request.inpaint.force && !request.canvas && !request.hires;
  if (alpha_is_mask && image::hidden_colors_erased(picture))
    notices.push_back(
        "the colours below the transparent parts of the starting picture are erased, so first "
        "colours are invented there; to start from its own, give the mask apart with -M");
  return notices;
}

image::Image join(const Original& original, image::Image drawn, const InpaintOptions& options) {
  if (!original.mask) return drawn;
  if (options.match_colors)
    drawn = image::match_mean_and_spread(drawn, original.picture, *original.mask);
  return image::blend(drawn, image::with_channels(original.picture, 3),
                      image::paste_mask(*original.mask, original.picture, options.blur));
}

}  // namespace invokeai::pipeline
