#pragma once
// Cutting pictures out of pictures and laying them over each other.

#include "image/box.h"
#include "image/image.h"

namespace invokeai::image {

/// The part of the picture inside the box; where the box stands over the edge, bytes are 0 (so RGBA
/// is transparent black). The box must have sides of at least 1.
Image crop(const Image& picture, const Box& box);

/// Copies all channels of `top`, alpha included, over `onto` with its upper left corner at
/// (left, top_row); what falls outside is dropped. Both need the same number of channels.
void place(Image& onto, const Image& top, int left, int top_row);

/// `below` where the mask is 0, `above` where it is 255, mixed in between: byte for byte
/// Image.composite of Pillow. Pictures of the same size and channels, mask of the same size, grey.
Image blend(const Image& below, const Image& above, const Image& mask);

/// Two grey masks multiplied, a * b / 255 rounded down as ImageChops.multiply of Pillow does.
Image multiply(const Image& a, const Image& b);

/// The alpha of RGBA as a grey picture; 255 everywhere when there is none.
Image alpha_of(const Image& picture);

/// RGBA with the colours of the picture and this alpha (grey, same size).
Image with_alpha(const Image& picture, const Image& alpha);

}  // namespace invokeai::image
