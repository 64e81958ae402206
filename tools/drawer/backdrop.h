#pragma once
// The ground behind the objects of a scene.

#include <array>
#include <vector>

#include "drawer/scene.h"

namespace invokeai::drawer {

/// sRGB, each 0..255.
using Paint = std::array<float, 3>;

inline Paint mixed(const Paint& from, const Paint& to, float share) {
  Paint out;
  for (int c = 0; c < 3; ++c) out[c] = from[c] + share * (to[c] - from[c]);
  return out;
}

/// width*height paints, rows from the top: a plain colour, a landscape or a room, as the rendering
/// shows it (paper, a wash, a night sky).
std::vector<Paint> paint_backdrop(const Scene& scene, Extent extent);

/// Between -1 and 1, smooth, other for each `detail`: how thick a wash of watercolour lies.
float stain(float x, float y, std::uint32_t detail);

inline constexpr Paint kPaper = {250, 247, 240};

/// What moonlight leaves of a colour; things are lit a little more than the ground.
Paint at_night(const Paint& paint, float lit);

}  // namespace invokeai::drawer
