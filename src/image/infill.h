#pragma once
// Colours for the transparent parts of a picture, as a start for painting them: outpainting works
// better from something plausible than from black. Source: generation spec, 8.4.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/image.h"

namespace invokeai::image {

enum class InfillMethod {
  patchmatch,  ///< texture of the picture itself, patch by patch, coarse to fine
  tile,        ///< square tiles drawn at random from the picture
  smooth,      ///< the colours around the hole run into it without edges (a membrane)
  solid,       ///< one colour
};

/// Names for request, help and menu, the default first: patchmatch, tile, smooth, solid.
const std::vector<std::string_view>& infill_method_names();

std::string_view infill_method_name(InfillMethod method);
/// Errors: invalid_argument, listing the names.
Result<InfillMethod> parse_infill_method(std::string_view name);

struct InfillOptions {
  InfillMethod method = InfillMethod::patchmatch;
  int tile_size = 32;                                   ///< tile only: pixels, at least 1
  std::array<std::uint8_t, 3> color = {127, 127, 127};  ///< solid, and where nothing is known
  std::uint64_t seed = 0;  ///< patchmatch and tile: same seed, same picture
};

/// The picture without transparency. Where alpha is 255 the colours stay as they are, where it is 0
/// they are invented, in between both are mixed by alpha.
///   picture  RGBA; with 1 or 3 channels nothing is transparent and only RGB is made of it
/// A picture without one visible pixel becomes options.color, and `tile` without one tile that is
/// visible everywhere falls back to `smooth` (2.3.0 leaves the hole). Sides need not be multiples
/// of the tile size: tiles at the right and lower edge are cut (2.3.0 fails). The tiles of a seed
/// are those of NumPy's default_rng, as in 2.3.0; patchmatch there is not repeatable. Cost of
/// patchmatch: 0.6 s for a frame of 128 pixels around 256 x 256 on one core.
Image infill(const Image& picture, const InfillOptions& options = {});

}  // namespace invokeai::image
