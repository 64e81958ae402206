#pragma once
// Signed distances to the edges of simple figures, negative inside, y down. What shapes are made
// of.

#include <algorithm>
#include <array>
#include <cmath>

namespace invokeai::drawer {

struct Point {
  float x, y;
};

inline float circle(float x, float y, float radius) { return std::sqrt(x * x + y * y) - radius; }

/// Exact at the edge, roughly so elsewhere.
inline float ellipse(float x, float y, float half_width, float half_height) {
  const float u = x / half_width, v = y / half_height, reach = std::sqrt(u * u + v * v);
  if (reach < 1e-3f) return -std::min(half_width, half_height);
  const float su = u / half_width, sv = v / half_height;
  return reach * (reach - 1) / std::sqrt(su * su + sv * sv);
}

inline float box(float x, float y, float half_width, float half_height) {
  const float dx = std::abs(x) - half_width, dy = std::abs(y) - half_height;
  const float outside_x = std::max(dx, 0.0f), outside_y = std::max(dy, 0.0f);
  return std::sqrt(outside_x * outside_x + outside_y * outside_y) +
         std::min(std::max(dx, dy), 0.0f);
}

/// A stroke with round ends.
inline float stroke(float x, float y, Point from, Point to, float half_width) {
  const float ex = to.x - from.x, ey = to.y - from.y, px = x - from.x, py = y - from.y;
  const float along = std::clamp((px * ex + py * ey) / (ex * ex + ey * ey), 0.0f, 1.0f);
  return circle(px - along * ex, py - along * ey, half_width);
}

/// To the polygon's edge: the nearest of its segments; the sign by counting crossed edges.
template <std::size_t N>
float polygon(const std::array<Point, N>& corners, float x, float y) {
  float nearest = 1e9f;
  bool inside = false;
  for (std::size_t i = 0, j = N - 1; i < N; j = i++) {
    const Point a = corners[i], b = corners[j];
    const float ex = b.x - a.x, ey = b.y - a.y, px = x - a.x, py = y - a.y;
    const float along = std::clamp((px * ex + py * ey) / (ex * ex + ey * ey), 0.0f, 1.0f);
    const float dx = px - along * ex, dy = py - along * ey;
    nearest = std::min(nearest, dx * dx + dy * dy);
    if ((a.y > y) != (b.y > y) && px < ex * py / ey) inside = !inside;
  }
  return inside ? -std::sqrt(nearest) : std::sqrt(nearest);
}

}  // namespace invokeai::drawer
