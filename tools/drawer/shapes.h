#pragma once
// What each shape is made of.

#include <span>

#include "drawer/scene.h"

namespace invokeai::drawer {

/// What a part is painted with: the object's colour, that colour darker or lighter, or a paint of
/// its own whatever the object's colour.
enum class Tone { main, dark, light, wood, cream, black, white, glass, leaf, gold };

/// Signed distance from (x, y) to the edge, negative inside. A shape's bounding box is about [-1,1]
/// squared, y down, the longer half side between 0.85 and 1.
using Distance = float (*)(float x, float y);

struct Part {
  Tone tone;
  Distance distance;
};

/// The parts, those behind first. The object's own colour covers the most of it.
std::span<const Part> parts(Shape shape);

/// To the edge of the whole shape: that of its nearest part.
float distance(Shape shape, float x, float y);

}  // namespace invokeai::drawer
