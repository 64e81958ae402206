#pragma once
// What a picture may be made from besides noise, and how: the parts of a request for image to
// image, inpainting, outpainting, tiling, two passes, tiles and variations. No libtorch here.

#include <optional>
#include <string>
#include <vector>

#include "image/image.h"

namespace invokeai::pipeline {

/// A picture to start from (generation spec 7). Transparent parts are repainted.
struct InitImage {
  image::Image picture;    ///< grey, RGB or RGBA, upright
  double strength = 0.75;  ///< share of the noise schedule to run, above 0, at most 1
  bool fit = false;        ///< true: scaled into width x height, aspect kept; false: its own size
};

/// Repainting a part of the starting picture (generation spec 8).
struct InpaintOptions {
  /// 255 (white) keeps, 0 (black) repaints; of RGBA the alpha counts, of RGB the luminance. Scaled
  /// like the starting picture.
  std::optional<image::Image> mask;
  bool invert = false;       ///< repaint what would be kept; transparent parts stay repainted
  int blur = 8;              ///< radius in pixels of the soft edge towards the kept part
  double replace = 0;        ///< 0..1, how much of the repainted part starts from noise
  bool match_colors = true;  ///< shift the new part to the colours of the kept one
};

}  // namespace invokeai::pipeline
