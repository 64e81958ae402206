#include "drawer/paint.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace invokeai::drawer {
namespace {

constexpr float kObjectShade = 0.05f;  // brightness +-5 % from an object's top to its bottom
constexpr float kGroundShade = 0.02f;

struct Point {
  float x, y;
};

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

float circle(float x, float y, float radius) { return std::sqrt(x * x + y * y) - radius; }

float box(float x, float y, float half_width, float half_height) {
  const float dx = std::abs(x) - half_width, dy = std::abs(y) - half_height;
  const float outside_x = std::max(dx, 0.0f), outside_y = std::max(dy, 0.0f);
  return std::sqrt(outside_x * outside_x + outside_y * outside_y) +
         std::min(std::max(dx, dy), 0.0f);
}

float triangle(float x, float y) {
  static constexpr std::array<Point, 3> kCorners = {{{0, -0.84f}, {0.88f, 0.76f}, {-0.88f, 0.76f}}};
  return polygon(kCorners, x, y) - 0.08f;
}

float star(float x, float y) {
  static const auto kCorners = [] {
    std::array<Point, 10> corners;
    for (int i = 0; i < 10; ++i) {
      const double angle = i * std::numbers::pi / 5, reach = i % 2 ? 0.44 : 0.95;
      corners[i] = {static_cast<float>(reach * std::sin(angle)),
                    static_cast<float>(0.08 - reach * std::cos(angle))};
    }
    return corners;
  }();
  return polygon(kCorners, x, y) - 0.06f;
}

/// A square on its corner with half circles on its upper two sides.
float heart(float x, float y) {
  constexpr float kHalf = 0.586f, kLobe = 0.4144f, kDown = 0.085f;
  const float side = std::abs(x), v = y - kDown;
  constexpr float kTurn = std::numbers::sqrt2_v<float> / 2;
  const float square = box((side + v) * kTurn, (side - v) * kTurn, kHalf, kHalf);
  return std::min(square, circle(side - kLobe, v + kLobe, kHalf));
}

float diamond(float x, float y) {
  static constexpr std::array<Point, 4> kCorners = {
      {{0, -0.94f}, {0.66f, 0}, {0, 0.94f}, {-0.66f, 0}}};
  return polygon(kCorners, x, y) - 0.06f;
}

float cross(float x, float y) {
  return std::min(box(x, y, 0.92f, 0.25f), box(x, y, 0.25f, 0.92f)) - 0.06f;
}

/// A disc with a smaller disc taken away at its right.
float moon(float x, float y) {
  constexpr float kRight = 0.153f;  // centres the crescent's bounding box
  return std::max(circle(x - kRight, y, 1), -circle(x - kRight - 0.5f, y + 0.08f, 0.82f));
}

/// Five round petals around a round hole, which is as wide as where neighbours meet.
float flower(float x, float y) {
  static const auto kPetals = [] {
    std::array<Point, 5> petals;
    for (int i = 0; i < 5; ++i) {
      const double angle = i * std::numbers::pi * 0.4;
      petals[i] = {static_cast<float>(0.6 * std::sin(angle)),
                   static_cast<float>(0.05 - 0.6 * std::cos(angle))};
    }
    return petals;
  }();
  float nearest = 1e9f;
  for (const Point petal : kPetals)
    nearest = std::min(nearest, circle(x - petal.x, y - petal.y, 0.4f));
  return std::max(nearest, -circle(x, y - 0.05f, 0.3f));
}

using Paint = std::array<float, 3>;

Paint shaded(Color color, float shade) {
  const Rgb paint = rgb(color);
  return {paint.r * shade, paint.g * shade, paint.b * shade};
}

void fill_ground(image::Image& picture, Color color) {
  for (int y = 0; y < picture.height; ++y) {
    const float down = (y + 0.5f) / picture.height;
    const Paint paint = shaded(color, 1 + kGroundShade * (1 - 2 * down));
    std::array<std::uint8_t, 3> bytes;
    for (int c = 0; c < 3; ++c)
      bytes[c] = static_cast<std::uint8_t>(std::min(paint[c] + 0.5f, 255.0f));
    for (int x = 0; x < picture.width; ++x) std::copy(bytes.begin(), bytes.end(), picture.at(x, y));
  }
}

void draw(image::Image& picture, const Object& object) {
  const int size = picture.width;
  const float radius = object.radius * size, cx = object.cx * size, cy = object.cy * size;
  const auto bound = [size](float at) { return std::clamp(static_cast<int>(at), 0, size); };
  for (int y = bound(cy - radius - 2); y < bound(cy + radius + 3); ++y) {
    const float v = (y + 0.5f - cy) / radius;
    const Paint paint = shaded(object.color, 1 - kObjectShade * std::clamp(v, -1.0f, 1.0f));
    for (int x = bound(cx - radius - 2); x < bound(cx + radius + 3); ++x) {
      const float u = (x + 0.5f - cx) / radius;
      const float cover = std::clamp(0.5f - distance(object.shape, u, v) * radius, 0.0f, 1.0f);
      if (cover == 0) continue;
      std::uint8_t* pixel = picture.at(x, y);
      for (int c = 0; c < 3; ++c) {
        const float mixed = pixel[c] + cover * (paint[c] - pixel[c]);
        pixel[c] = static_cast<std::uint8_t>(std::min(mixed + 0.5f, 255.0f));
      }
    }
  }
}

}  // namespace

float distance(Shape shape, float x, float y) {
  switch (shape) {
    case Shape::circle:
      return circle(x, y, 1);
    case Shape::square:
      return box(x, y, 0.82f, 0.82f) - 0.08f;
    case Shape::triangle:
      return triangle(x, y);
    case Shape::star:
      return star(x, y);
    case Shape::heart:
      return heart(x, y);
    case Shape::diamond:
      return diamond(x, y);
    case Shape::ring:
      return std::abs(circle(x, y, 0.78f)) - 0.22f;
    case Shape::cross:
      return cross(x, y);
    case Shape::moon:
      return moon(x, y);
    case Shape::flower:
      return flower(x, y);
  }
  return 0;
}

image::Image paint(const Scene& scene, int size) {
  image::Image picture(size, size, 3);
  fill_ground(picture, scene.background);
  for (const Object& object : scene.objects) draw(picture, object);
  return picture;
}

}  // namespace invokeai::drawer
