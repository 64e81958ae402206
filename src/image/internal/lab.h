#pragma once
// Between sRGB and CIE-LAB in 8 bits a channel.

#include "image/image.h"

namespace invokeai::image {

/// Three channels: L * 255/100, a + 128, b + 128, rounded and clipped; white is D65.
/// Source: IEC 61966-2-1 (sRGB), CIE 15 (LAB).
Image lab_from_rgb(const Image& rgb);

/// The way back; colours outside sRGB are clipped.
Image rgb_from_lab(const Image& lab);

}  // namespace invokeai::image
