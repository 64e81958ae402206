#pragma once
// Scenes to pictures.

#include "drawer/scene.h"
#include "image/image.h"

namespace invokeai::drawer {

/// Draws the scene, anti-aliased, RGB, the same at every size. In wide and tall pictures things
/// keep their forms and what lies between them grows; what overlaps stays together. Cost: about a
/// millisecond at 128x128.
image::Image paint(const Scene& scene, Extent extent);

}  // namespace invokeai::drawer
