#pragma once
// Between grey, RGB and RGBA, with the arithmetic of Pillow's Image.convert.

#include "image/image.h"

namespace invokeai::image {

/// The picture with 1 (grey), 3 (RGB) or 4 (RGBA) channels. Grey is (19595 R + 38470 G + 7471 B +
/// 2^15) >> 16; new alpha is 255; alpha that goes away is dropped, not blended.
Image with_channels(const Image& picture, int channels);

}  // namespace invokeai::image
