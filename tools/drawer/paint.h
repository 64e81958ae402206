#pragma once
// Scenes to pictures.

#include "drawer/scene.h"
#include "image/image.h"

namespace invokeai::drawer {

/// Signed distance from (x, y) to the shape's edge, negative inside. The shape's bounding box is
/// about [-1,1] squared, y down, the longer half side between 0.9 and 1.
float distance(Shape shape, float x, float y);

/// Draws the scene, anti-aliased, size x size RGB. Objects and background are shaded a little from
/// top to bottom. Cost: under a millisecond at 128.
image::Image paint(const Scene& scene, int size);

}  // namespace invokeai::drawer
