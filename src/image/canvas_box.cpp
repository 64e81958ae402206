#include "image/canvas_box.h"

#include <algorithm>

#include "image/color_correct.h"
#include "image/compose.h"
#include "image/convert.h"
#include "image/mask.h"
#include "image/resize.h"

namespace invokeai::image {
namespace {

constexpr int kGrid = 64;

int on_grid(double pixels) {
  return std::max(kGrid, static_cast<int>(pixels / kGrid + 0.5) * kGrid);
}

std::int64_t area(Extent size) { return std::int64_t{size.width} * size.height; }

Extent automatic_size(Extent box, int optimum) {
  const std::int64_t wanted = std::int64_t{optimum} * optimum;
  if (area(box) >= wanted) return {on_grid(box.width), on_grid(box.height)};
  if (box.width == box.height) return {on_grid(optimum), on_grid(optimum)};
  const double aspect = static_cast<double>(box.width) / box.height;
  Extent size;
  for (int longer = on_grid(optimum); area(size) < wanted; longer += kGrid)
    size = aspect > 1 ? Extent{longer, on_grid(longer / aspect)}
                      : Extent{on_grid(longer * aspect), longer};
  return size;
}

Result<> check_box(const Box& box) {
  const bool sized =
      box.width >= 1 && box.height >= 1 && box.width <= kLargestBoxSide && box.height <= kLargestBoxSide;
  const bool near = box.left >= -kFarthestBox && box.left <= kFarthestBox && box.top >= -kFarthestBox &&
                    box.top <= kFarthestBox;
  if (sized && near) return {};
  return fail(ErrorCode::invalid_argument, "image.canvas",
              "cannot paint a box of {} x {} pixels at {}, {}; wanted sides of 1 to {} and a place "
              "within {} pixels",
              box.width, box.height, box.left, box.top, kLargestBoxSide, kFarthestBox);
}

/// The drawn mask at the size of the canvas, all kept if there is none.
Result<Image> drawn_mask(const std::optional<Image>& mask, const Image& canvas) {
  if (mask) return matched_mask(mask_from_picture(*mask), canvas.width, canvas.height);
  return inverted(Image(canvas.width, canvas.height, 1));
}

bool takes_mask(CanvasMode mode) {
  return mode == CanvasMode::inpainting || mode == CanvasMode::outpainting;
}

/// The part without what takes time: nothing filled or scaled yet.
Result<CanvasPart> cut_out(const Image& canvas, const std::optional<Image>& mask, const Box& box,
                           const CanvasOptions& options) {
  TRY_VOID(check_box(box));
  // A wrong size is told of whatever the box holds.
  TRY_ASSIGN(const Extent scaled, working_size({box.width, box.height}, options.scale));
  TRY_ASSIGN(const Image drawn, drawn_mask(mask, canvas));
  CanvasPart part;
  part.box = box;
  part.mask_blur = options.mask_blur;
  part.original = crop(with_channels(canvas, 4), box);
  part.kept = crop(drawn, box);
  part.mode = canvas_mode(part.original, part.kept);
  part.working = scaled;
  if (takes_mask(part.mode)) {
    TRY_ASSIGN(part.kept, make_mask(part.original, part.kept, options.invert_mask));
    TRY_VOID(check_repaints(part.kept));
  } else {
    TRY_ASSIGN(part.working, working_size({box.width, box.height}, {BoxScaling::none}));
  }
  return part;
}

}  // namespace

CanvasMode canvas_mode(const Image& picture, const Image& mask) {
  switch (coverage(alpha_of(picture))) {
    case MaskCoverage::repaints_all:
      return CanvasMode::txt2img;
    case MaskCoverage::mixed:
      return CanvasMode::outpainting;
    case MaskCoverage::keeps_all:
      break;
  }
  return coverage(mask) == MaskCoverage::keeps_all ? CanvasMode::img2img : CanvasMode::inpainting;
}

Result<Extent> working_size(Extent box, const BoxScale& scale) {
  INVOKEAI_CHECK(box.width > 0 && box.height > 0 && scale.optimum > 0);
  if (scale.method == BoxScaling::none) return Extent{on_grid(box.width), on_grid(box.height)};
  if (scale.method == BoxScaling::automatic) return automatic_size(box, scale.optimum);
  const auto fits = [](int side) {
    return side >= kGrid && side <= kLargestBoxSide && side % kGrid == 0;
  };
  if (!fits(scale.manual.width) || !fits(scale.manual.height))
    return fail(ErrorCode::invalid_argument, "image.canvas",
                "cannot scale the box to {} x {} pixels; wanted multiples of {} up to {}",
                scale.manual.width, scale.manual.height, kGrid, kLargestBoxSide);
  return scale.manual;
}

Image CanvasPart::finished(const Image& generated) const {
  const Image scaled = resize(generated, box.width, box.height, ResizeFilter::bicubic);
  return takes_mask(mode) ? paste_kept(scaled, original, kept, mask_blur) : scaled;
}

Result<CanvasPart> cut_canvas_part(const Image& canvas, const std::optional<Image>& mask,
                                   const Box& box, const CanvasOptions& options) {
  TRY_ASSIGN(CanvasPart part, cut_out(canvas, mask, box, options));
  if (part.mode == CanvasMode::txt2img) return part;
  const auto [width, height] = part.working;
  part.picture = resize(infill(part.original, options.infill), width, height);
  if (takes_mask(part.mode)) part.mask = resize(part.kept, width, height);
  return part;
}

Result<CanvasMode> check_canvas_part(const Image& canvas, const std::optional<Image>& mask,
                                     const Box& box, const CanvasOptions& options) {
  TRY_ASSIGN(const CanvasPart part, cut_out(canvas, mask, box, options));
  return part.mode;
}

void put_back(Image& canvas, const CanvasPart& part, const Image& finished) {
  INVOKEAI_CHECK(finished.width == part.box.width && finished.height == part.box.height);
  place(canvas, with_channels(finished, canvas.channels), part.box.left, part.box.top);
}

}  // namespace invokeai::image
