#pragma once
// Scenes to pictures.

#include "drawer/scene.h"
#include "image/image.h"

namespace invokeai::drawer {

/// Draws the scene, anti-aliased, size x size RGB, the same at every size. Cost: about a
/// millisecond at 128.
image::Image paint(const Scene& scene, int size);

}  // namespace invokeai::drawer
