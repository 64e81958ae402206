#pragma once
// Pixels as numbers that can be compared. Private to the measurements.

#include <array>
#include <vector>

#include "drawer/scene.h"
#include "image/image.h"

namespace invokeai::drawer {

using Vector = std::array<float, 3>;

float squared_distance(const Vector& a, const Vector& b);

/// sRGB, each 0..255, in Oklab (Ottosson 2020): distances there are as large as they look.
Vector oklab(const Vector& pixel);
Vector oklab(Color color);

/// The picture at half its size, each pixel the mean of four.
image::Image halved(const image::Image& picture);

/// The picture as floats, each pixel the mean of its surroundings, which takes noise away.
std::vector<Vector> smoothed(const image::Image& picture);

}  // namespace invokeai::drawer
