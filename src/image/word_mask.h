#pragma once
// Masks made by looking for words: the picture as the network for that sees it, and what it found as
// a mask. Source: generation spec 12.

#include "image/image.h"

namespace invokeai::image {

/// Side of the square the network looks at, pixels.
inline constexpr int kWordSide = 352;

/// RGB, 352 x 352: the picture with its longer side scaled to 352 (Lanczos; the other side cut to
/// whole pixels, at least 1) in the upper left corner, black elsewhere. Alpha is dropped.
Image word_input(const Image& picture);

/// What was found in that square, for the picture itself: scaled to a square of its longer side
/// (Lanczos) and cut to its size.
///   square  grey, of any side
Image over_picture(const Image& square, int width, int height);

/// 0 (repaint) where the heat, of 255, reaches the threshold, else 255 (keep); scaled afterwards, so
/// edges are a little soft.
///   heat       grey square
///   threshold  0..1
Image word_mask(const Image& heat, double threshold, int width, int height);

}  // namespace invokeai::image
