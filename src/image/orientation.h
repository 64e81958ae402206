#pragma once
// The EXIF orientation tag: how a camera was held.

#include <string_view>

#include "image/image.h"

namespace invokeai::image {

/// Value 1..8 of the tag 0x0112 in an EXIF block (TIFF header first, a leading "Exif\0\0" is
/// skipped); 1 (upright) when it is absent, or the block is damaged.
int exif_orientation(std::string_view exif);

/// Turns and mirrors the pixels so that the picture is upright.
Image apply_orientation(Image picture, int orientation);

}  // namespace invokeai::image
