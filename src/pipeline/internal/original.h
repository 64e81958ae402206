#pragma once
// The starting picture at the size it is drawn at, and how a drawn picture is joined with it. All on
// 8-bit pictures.

#include <optional>
#include <string>
#include <vector>

#include "pipeline/engine.h"
#include "pipeline/sizes.h"

namespace invokeai::pipeline {

struct Original {
  image::Image picture;              ///< RGB or RGBA, sides multiples of 8
  std::optional<image::Image> mask;  ///< grey, same size: 255 keeps, 0 repaints; none: repaint all
  bool has_seam = false;  ///< something was transparent: its edges may need a pass of their own

  bool has_holes() const { return picture.channels == 4; }
  /// RGB, transparent parts filled with first colours. The seed is the picture's, so that each can
  /// be made again by itself.
  image::Image filled(image::InfillOptions infill, std::uint32_t seed) const;
};

/// Grows or shifts the request's starting picture, scales it and its mask (2.3.0: Lanczos for both),
/// and takes the mask from transparency where there is none.
///   box  size asked for, used with `fit`
/// Errors: invalid_argument for a mask of another shape, or one that keeps everything.
Result<Original> prepare_original(const GenerationRequest& request, Size box);

/// What the user should know about the request's starting picture before it is drawn on, one line
/// each (generation spec 7.1).
///   native  side of the model's own pictures, pixels
std::vector<std::string> notices_of(const GenerationRequest& request, int native);

/// Lays the kept part over a drawn picture with a soft edge: outside of it the bytes are those of
/// the original (generation spec 8.5). Without a mask the picture stays as it is.
image::Image join(const Original& original, image::Image drawn, const InpaintOptions& options);

}  // namespace invokeai::pipeline
