#include "drawer/paint.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "drawer/backdrop.h"
#include "drawer/outline.h"
#include "drawer/shapes.h"

namespace invokeai::drawer {
namespace {

constexpr float kObjectShade = 0.05f;  // brightness +-5 % from an object's top to its bottom

Paint scaled(const Paint& paint, float factor) {
  return {paint[0] * factor, paint[1] * factor, paint[2] * factor};
}

float luminance(const Paint& paint) {
  return 0.3f * paint[0] + 0.59f * paint[1] + 0.11f * paint[2];
}

Paint toned(Color color, Tone tone) {
  const Rgb bytes = rgb(color);
  const Paint main = {float(bytes.r), float(bytes.g), float(bytes.b)};
  constexpr Paint kWhite = {255, 255, 255};
  switch (tone) {
    case Tone::main:
      return main;
    case Tone::dark:
      return luminance(main) < 60 ? mixed(main, kWhite, 0.2f) : scaled(main, 0.83f);
    case Tone::light:
      return luminance(main) > 220 ? scaled(main, 0.88f) : mixed(main, kWhite, 0.42f);
    case Tone::wood:
      return {128, 84, 52};
    case Tone::cream:
      return {244, 230, 204};
    case Tone::black:
      return {34, 32, 40};
    case Tone::white:
      return {250, 250, 250};
    case Tone::glass:
      return {196, 228, 242};
    case Tone::leaf:
      return {86, 164, 72};
    case Tone::gold:
      return {244, 184, 56};
  }
  return main;
}

/// The other colour of a pattern: paler, or darker where the first is pale.
Paint contrast(const Paint& main) {
  return luminance(main) > 170 ? scaled(main, 0.66f) : mixed(main, {255, 255, 255}, 0.62f);
}

/// Signed distance to the pattern's marks, in the object's lengths.
float marks(Pattern pattern, float u, float v) {
  const auto off = [](float t) { return std::abs(t - std::floor(t) - 0.5f); };
  switch (pattern) {
    case Pattern::striped: {
      constexpr float kPeriod = 0.44f;
      return (off((u + v) * 0.7071f / kPeriod) - 0.21f) * kPeriod;
    }
    case Pattern::dotted: {
      constexpr float kPeriod = 0.46f;
      const float row = std::floor(v / kPeriod);
      const float across = u / kPeriod + (static_cast<int>(row) & 1 ? 0.5f : 0.0f);
      const float dx = across - std::floor(across) - 0.5f, dy = v / kPeriod - row - 0.5f;
      return circle(dx, dy, 0.28f) * kPeriod;
    }
    case Pattern::checkered: {
      constexpr float kPeriod = 0.8f;
      const float a = off(u / kPeriod) - 0.25f, b = off(v / kPeriod) - 0.25f;
      return std::max(std::min(a, b), -std::max(a, b)) * kPeriod;
    }
    case Pattern::plain:
      break;
  }
  return 1;
}

/// One object on its way onto the canvas.
class Brush {
 public:
  /// `centre`: the object's, pixels.
  Brush(std::vector<Paint>& canvas, Extent extent, const Scene& scene, const Object& object,
        Point centre)
      : canvas_(canvas),
        extent_(extent),
        scene_(scene),
        object_(object),
        centre_(centre),
        radius_(object.radius * extent.shorter()) {}

  void draw() {
    if (scene_.backdrop == Backdrop::meadow || scene_.backdrop == Backdrop::room) draw_shadow();
    for (const Part& part : parts(object_.shape)) draw(part);
  }

 private:
  /// Calls work(pixel, u, v) for all pixels around the object; u, v in the object's lengths.
  template <class Work>
  void each_pixel(Work work) {
    const auto [cx, cy] = centre_;
    const float reach = 1.06f * radius_ + 2;
    const auto bound = [](float at, int end) { return std::clamp(static_cast<int>(at), 0, end); };
    const int left = bound(cx - reach, extent_.width), top = bound(cy - reach, extent_.height);
    for (int y = top; y < bound(cy + reach + 1, extent_.height); ++y)
      for (int x = left; x < bound(cx + reach + 1, extent_.width); ++x)
        work(canvas_[static_cast<std::size_t>(y) * extent_.width + x], (x + 0.5f - cx) / radius_,
             (y + 0.5f - cy) / radius_);
  }

  float cover(float distance) const { return std::clamp(0.5f - distance * radius_, 0.0f, 1.0f); }

  void draw_shadow() {
    each_pixel([](Paint& pixel, float u, float v) {
      const float soft = std::clamp(-ellipse(u, v - 0.9f, 0.9f, 0.14f) / 0.1f, 0.0f, 1.0f);
      if (soft > 0) pixel = mixed(pixel, {30, 40, 30}, 0.3f * soft);
    });
  }

  void draw(const Part& part) {
    const Paint base = toned(object_.color, part.tone);
    const Paint other = contrast(base);
    const bool patterned = part.tone == Tone::main && object_.pattern != Pattern::plain;
    each_pixel([&](Paint& pixel, float u, float v) {
      if (scene_.rendering == Rendering::watercolor) wobble(u, v);
      const float distance = part.distance(u, v);
      if (distance * radius_ > 0.5f + kLine * radius_) return;
      Paint paint = base;
      if (patterned) paint = mixed(paint, other, cover(marks(object_.pattern, u, v)));
      lay(pixel, paint, part, distance, u, v);
    });
  }

  /// Puts the paint onto the pixel in the scene's manner.
  void lay(Paint& pixel, const Paint& paint, const Part& part, float distance, float u, float v) {
    const Paint shaded = scaled(paint, 1 - kObjectShade * std::clamp(v, -1.0f, 1.0f));
    switch (scene_.rendering) {
      case Rendering::flat:
        pixel = mixed(pixel, shaded, cover(distance));
        break;
      case Rendering::shiny:
        pixel = mixed(pixel, polished(paint, part, u, v), cover(distance));
        break;
      case Rendering::pencil:
        pencil(pixel, paint, distance, u, v);
        break;
      case Rendering::watercolor: {
        const auto [x, y] = on_canvas(u, v);
        const float rim =
            std::clamp(1 + distance / 0.12f, 0.0f, 1.0f);  // paint gathers at the edge
        const float thick = 0.89f + 0.08f * stain(2 * x, 2 * y, scene_.detail);
        pixel = mixed(pixel, scaled(paint, 1 - 0.16f * rim), thick * cover(distance));
        break;
      }
      case Rendering::night:
        pixel = mixed(pixel, at_night(shaded, 0.84f), cover(distance));
        break;
    }
  }

  /// Lit from the upper left: bright along edges there, dark along those opposite.
  static Paint polished(const Paint& paint, const Part& part, float u, float v) {
    const auto slope = [](float distance) {
      return std::clamp((distance + 0.06f) / 0.14f, 0.0f, 1.0f);
    };
    const float dark = slope(part.distance(u + 0.13f, v + 0.16f));
    const float bright = slope(part.distance(u - 0.1f, v - 0.13f)) * (1 - dark);
    const float shade = 1.04f - 0.12f * std::clamp(0.6f * u + 0.8f * v, -1.0f, 1.0f);
    const Paint body = scaled(paint, shade * (1 - 0.26f * dark));
    return mixed(body, {255, 255, 255}, 0.6f * bright);
  }

  /// A dark line along the edge, hatching within; strokes have the same places in all pictures.
  void pencil(Paint& pixel, const Paint& paint, float distance, float u, float v) const {
    const auto [x, y] = on_canvas(u, v);
    constexpr float kStrokes = 16;  // across the picture
    const float wave = 0.5f + 0.5f * std::sin(2 * std::numbers::pi_v<float> * kStrokes * (x + y));
    pixel = mixed(pixel, mixed(kPaper, paint, 0.5f + 0.45f * wave), cover(distance));
    const Paint lead = mixed({52, 50, 56}, paint, 0.25f);
    pixel = mixed(pixel, lead, 0.9f * cover(std::abs(distance) - kLine));
  }

  /// From the object's lengths to the shorter side's.
  Point on_canvas(float u, float v) const {
    const auto shorter = static_cast<float>(extent_.shorter());
    return {centre_.x / shorter + u * object_.radius, centre_.y / shorter + v * object_.radius};
  }

  void wobble(float& u, float& v) const {
    const float phase = (scene_.detail >> 24) / 40.0f, before = u;
    u += 0.03f * std::sin(8 * v + phase);
    v += 0.03f * std::sin(7 * before + 2 * phase);
  }

  static constexpr float kLine = 0.03f;  // half the width of a pencil's line

  std::vector<Paint>& canvas_;
  Extent extent_;
  const Scene& scene_;
  const Object& object_;
  Point centre_;  // pixels
  float radius_;  // pixels
};

/// Where an object lies, pixels. Those that overlap keep their distances from the last one.
Point centre_of(const Object& object, const Scene& scene, Extent extent) {
  const bool overlap = scene.grouping == Grouping::inside || scene.grouping == Grouping::in_front;
  const Object& fixed = overlap ? scene.objects.back() : object;
  const auto shorter = static_cast<float>(extent.shorter());
  return {fixed.cx * extent.width + (object.cx - fixed.cx) * shorter,
          fixed.cy * extent.height + (object.cy - fixed.cy) * shorter};
}

}  // namespace

image::Image paint(const Scene& scene, Extent extent) {
  std::vector<Paint> canvas = paint_backdrop(scene, extent);
  // The first is the nearest.
  for (auto object = scene.objects.rbegin(); object != scene.objects.rend(); ++object)
    Brush(canvas, extent, scene, *object, centre_of(*object, scene, extent)).draw();
  image::Image picture(extent.width, extent.height, 3);
  for (std::size_t i = 0; i < canvas.size(); ++i)
    for (int c = 0; c < 3; ++c)
      picture.pixels[3 * i + c] =
          static_cast<std::uint8_t>(std::clamp(canvas[i][c], 0.0f, 255.0f) + 0.5f);
  return picture;
}

}  // namespace invokeai::drawer
