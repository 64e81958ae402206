#pragma once
// The canvas: a part of a large picture is cut out, painted at a size that suits the model, and put
// back. Sources: generation spec, 8.2, 8.3 and 8.5; web spec, 2.3 and 3.6.

#include <optional>

#include "base/result.h"
#include "image/box.h"
#include "image/image.h"
#include "image/infill.h"

namespace invokeai::image {

/// What the content of a box asks for.
enum class CanvasMode {
  txt2img,      ///< nothing visible in the box
  img2img,      ///< all opaque, nothing masked: everything is painted over
  inpainting,   ///< all opaque, something masked
  outpainting,  ///< something transparent
};

/// The mode of a cut-out.
///   picture  RGB or RGBA
///   mask     grey of the same size as it was drawn, before any inversion
CanvasMode canvas_mode(const Image& picture, const Image& mask);

inline constexpr int kLargestBoxSide = 4096;    ///< pixels
inline constexpr int kFarthestBox = 1 << 16;  ///< pixels from the canvas's corner to the box's

enum class BoxScaling {
  automatic,  ///< small boxes are painted larger, at about optimum * optimum pixels
  manual,     ///< at the given size
  none,       ///< at the size of the box
};

struct Extent {
  int width = 0;
  int height = 0;
  bool operator==(const Extent&) const = default;
};

struct BoxScale {
  BoxScaling method = BoxScaling::automatic;
  Extent manual = {512, 512};  ///< pixels, multiples of 64 from 64 to 4096
  int optimum = 512;           ///< pixels: side of the square that the model was trained on
};

/// The size at which a box is painted, sides rounded to multiples of 64, at least 64. Automatic:
/// the box if it has optimum^2 pixels or more; a square of the optimum for a square; else the
/// longer side grows from the optimum in steps of 64, the other one following, until there are
/// enough pixels. Errors: invalid_argument (manual size).
Result<Extent> working_size(Extent box, const BoxScale& scale);

struct CanvasOptions {
  BoxScale scale;
  InfillOptions infill;
  bool invert_mask = false;  ///< paint what the mask keeps, and keep what it paints
  int mask_blur = 8;         ///< pixels, softness of the way back
};

/// A part of the canvas that is being painted.
struct CanvasPart {
  CanvasMode mode = CanvasMode::txt2img;
  Box box;            ///< on the canvas
  Image original;     ///< RGBA, size of the box
  Image kept;         ///< grey, size of the box: 255 = keep
  int mask_blur = 8;  ///< pixels
  Extent working;     ///< size of what is to be generated; multiples of 64
  Image picture;      ///< RGB, working size, holes filled; empty for txt2img
  Image mask;         ///< grey, working size, 255 = keep; empty for txt2img and img2img

  /// What goes back on the canvas: the generated picture scaled to the box (bicubic), and for
  /// inpainting and outpainting given the colours of the original and covered by it where it is
  /// kept, see paste_kept().
  ///   generated  RGB, working size
  /// Returns RGB, size of the box.
  Image finished(const Image& generated) const;
};

/// Cuts the box out of the canvas. txt2img and img2img are worked on at the size of the box, as in
/// 2.3.0; the other modes at working_size(), their holes filled before they are scaled.
///   canvas  RGB or RGBA; the box may stand over its edges, where all is transparent
///   mask    any picture of the canvas's size, see mask_from_picture(); none: nothing is masked
/// Errors: invalid_argument (box without pixels or out of reach, mask of another shape, bad manual
/// size, nothing left to paint because the mask is inverted).
Result<CanvasPart> cut_canvas_part(const Image& canvas, const std::optional<Image>& mask,
                                   const Box& box, const CanvasOptions& options = {});

/// What cut_canvas_part() would make of it, or refuse, found out without filling and scaling.
Result<CanvasMode> check_canvas_part(const Image& canvas, const std::optional<Image>& mask,
                                     const Box& box, const CanvasOptions& options = {});

/// Puts a finished part back, opaque; what stands over the edges of the canvas is dropped.
void put_back(Image& canvas, const CanvasPart& part, const Image& finished);

}  // namespace invokeai::image
