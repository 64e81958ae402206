#pragma once
// Room for more picture: growing it, shifting it, and the seam between old and new. What is new is
// transparent, so make_mask() paints it and infill() gives it first colours. Painting an opaque
// picture without a mask (force_outpaint) needs nothing from here: make_mask() without a mask
// picture. Source: generation spec, 8.6 and 8.7.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/image.h"
#include "image/limits.h"

namespace invokeai::image {

enum class Side { top, left, bottom, right };

/// Errors: invalid_argument, listing the four names.
Result<Side> parse_side(std::string_view name);

/// "top", "left", "bottom" or "right".
std::string_view side_name(Side side);

struct Growth {
  Side side = Side::top;
  int pixels = 0;  ///< at least 1; becomes the next multiple of 64
  bool operator==(const Growth&) const = default;
};

/// Reads pairs of side and pixels, e.g. {"top", "64", "left", "128"}. A side named twice keeps its
/// first place and its last number.
/// Errors: invalid_argument (not in pairs, unknown side, no whole number from 1 to 65536).
Result<std::vector<Growth>> parse_growths(std::span<const std::string> words);

/// The picture as RGBA on a larger canvas, each side grown by its pixels, rounded up to a multiple
/// of 64; new pixels are transparent black.
/// Errors: invalid_argument (no growth, less than 1 pixel, larger than the limits allow).
Result<Image> outcropped(const Image& picture, std::span<const Growth> growths,
                         const DecodeLimits& limits = {});

/// A shift as given: side, and pixels if there are any.
struct Shift {
  Side side = Side::top;
  std::optional<int> pixels;  ///< none: half of the picture's extent in that direction
};

/// Reads {"right"} or {"right", "100"}.
/// Errors: invalid_argument, as parse_growths().
Result<Shift> parse_shift(std::span<const std::string> words);

/// The picture as RGBA, same size, moved away from `side`: what falls off at the other side is
/// lost. The new strip is the mirror image of the edge, transparent; behind the border every second
/// column (row) is transparent too, over a tenth of the extent or as far as the strip is wide.
/// Errors: invalid_argument when the pixels are not between 1 and the extent - 1.
Result<Image> shifted_out(const Image& picture, const Shift& shift);

/// Mask (0 = paint anew) of a band along the edges between old and new: where the given values are
/// neither 0 nor 255, or jump by 50 and more between neighbours, widened by half of `size` to both
/// sides and box-blurred. All 255 when there are no edges: no seam pass is needed then.
/// (2.3.0 finds edges with Canny's filter, which marks one of the two pixels at a jump; ours marks
/// both, so the band is a pixel wider.)
///   kept  grey: the alpha of the picture (as 2.3.0 does), or make_mask()'s mask for the edges of
///         both
///   size  pixels, width of the band, at least 0
///   blur  pixels, radius, at least 0
Image seam_mask(const Image& kept, int size, int blur);

}  // namespace invokeai::image
