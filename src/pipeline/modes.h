#pragma once
// What a picture may be made from besides noise, and how: the parts of a request for image to
// image, inpainting, outpainting, tiling, two passes, tiles and variations. No libtorch here.

#include <optional>
#include <string>
#include <vector>

#include "image/canvas_box.h"
#include "image/image.h"
#include "image/infill.h"
#include "image/outpaint.h"

namespace invokeai::pipeline {

/// A picture to start from (generation spec 7). Transparent parts are repainted.
struct InitImage {
  image::Image picture;    ///< grey, RGB or RGBA, upright
  double strength = 0.75;  ///< share of the noise schedule to run, above 0, at most 1
  bool fit = false;        ///< true: scaled into width x height, aspect kept; false: its own size
};

/// What to repaint, in words.
struct WordMask {
  std::string text;        ///< "red hair"
  double threshold = 0.5;  ///< 0..1, how sure to be
};

/// Repainting a part of the starting picture (generation spec 8).
struct InpaintOptions {
  /// 255 (white) keeps, 0 (black) repaints; of RGBA the alpha counts, of RGB the luminance. Scaled
  /// like the starting picture.
  std::optional<image::Image> mask;
  std::optional<WordMask> words;  ///< the mask is made by looking for this; in place of `mask`
  bool invert = false;       ///< repaint what would be kept; transparent parts stay repainted
  int blur = 8;              ///< radius in pixels of the soft edge towards the kept part
  double replace = 0;        ///< 0..1, how much of the repainted part starts from noise
  bool match_colors = true;  ///< shift the new part to the colours of the kept one
  bool force = false;        ///< inpaint even if nothing says what to repaint: an error then
};

/// A second, narrow repainting along the edges of what was new (generation spec 8.6).
struct SeamOptions {
  int size = 0;           ///< pixels, width of the band; 0 = no such pass
  int blur = 0;           ///< pixels
  double strength = 0.7;  ///< as InitImage::strength
  int steps = 10;
};

/// Painting beyond the edges of the starting picture (generation spec 8.4, 8.6 and 8.7).
struct OutpaintOptions {
  std::vector<image::Growth> outcrop;  ///< sides to grow before drawing
  std::optional<image::Shift> shift;   ///< moves the picture aside instead
  image::InfillOptions infill;         ///< first colours of what is transparent; its seed is ours
  SeamOptions seam;                    ///< done where anything was transparent
};

/// A part of a canvas: the starting picture is the canvas, its mask lies on all of it. The picture
/// made has the size of the box and is finished to be put back.
struct CanvasBox {
  image::Box box;              ///< pixels of the canvas; may stand over its edges
  image::BoxScale scale = {};  ///< size at which it is painted; optimum 0: the model's own side
};

/// Drawing small, then enlarging the latents and refining them (generation spec 9). With a starting
/// picture both passes start from it, at their own sizes.
struct HiresOptions {
  double strength = 0.75;  ///< of the second pass
};

/// Enlarging a picture and redrawing it tile by tile (generation spec 10). A tile has the size that
/// was asked for.
struct EmbiggenOptions {
  double scale = 1;        ///< of the picture, above 0
  double overlap = 0.25;   ///< below 1: share of a tile's side, else pixels
  double strength = 0.4;   ///< on each tile; 2.3.0 took the general one, which is too much here
  std::vector<int> tiles;  ///< to redo, from 1, row by row; empty: all
};

/// Edges that fit each other when the picture is laid beside itself (generation spec 11).
struct Seamless {
  bool x = false;
  bool y = false;
};

}  // namespace invokeai::pipeline
