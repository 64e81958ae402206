#pragma once
// Scaling with Pillow's filters, to the bit.

#include "image/image.h"

namespace invokeai::image {

enum class ResizeFilter { nearest, box, bilinear, bicubic, lanczos };

/// The picture at another size, identical to Image.resize of Pillow 9 to 12 for L, RGB and
/// RGBA: filters widen
/// when shrinking (antialiased), each direction ends in 8 bits, RGBA is filtered premultiplied (so
/// colours under alpha 0 become black) except by `nearest`. Source: generation spec, preamble.
///   width, height  pixels, at least 1; the same size gives an unchanged copy
Image resize(const Image& picture, int width, int height,
             ResizeFilter filter = ResizeFilter::bicubic);

}  // namespace invokeai::image
