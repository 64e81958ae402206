#pragma once
// Blurring, growing and shrinking, to the bit as Pillow's ImageFilter does. Every channel is
// filtered by itself (alpha included, nothing is premultiplied); beyond the edge the outermost
// pixel goes on.

#include "image/image.h"

namespace invokeai::image {

/// Mean over a square with sides of 2 * radius + 1 pixels; the pixels at the rim of a fractional
/// radius count in part. Equals ImageFilter.BoxBlur.
///   radius  pixels, finite, at least 0 (0: unchanged)
Image box_blur(const Image& picture, double radius);

/// Nearly a Gaussian of this standard deviation: three box blurs a direction. Equals
/// ImageFilter.GaussianBlur. Source of the box's size: Gwosdek et al. 2011, "Theoretical
/// foundations of Gaussian convolution by extended box filtering".
///   radius  standard deviation in pixels, finite, at least 0 (0: unchanged)
Image gaussian_blur(const Image& picture, double radius);

/// Largest value within `radius` pixels in both directions (a square with sides of
/// 2 * radius + 1): light areas grow by `radius`. Equals ImageFilter.MaxFilter(2 * radius + 1),
/// and `radius` iterations of a 3 x 3 dilation. Cost does not depend on the radius.
///   radius  pixels, at least 0
Image dilate(const Image& picture, int radius);

/// Smallest value instead: light areas shrink. Equals ImageFilter.MinFilter(2 * radius + 1).
Image erode(const Image& picture, int radius);

}  // namespace invokeai::image
