#include "drawer/backdrop.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "drawer/outline.h"
#include "drawer/random.h"

namespace invokeai::drawer {
namespace {

constexpr float kGroundShade = 0.02f;  // brightness +-2 % from the top of a plain ground down
constexpr float kTurn = 2 * std::numbers::pi_v<float>;

Paint plain(Color color, float y) {
  const Rgb paint = rgb(color);
  const float shade = 1 + kGroundShade * (1 - 2 * y);
  return {paint.r * shade, paint.g * shade, paint.b * shade};
}

constexpr Paint kZenith = {118, 186, 242}, kHorizon = {206, 232, 250},
                kCloudWhite = {250, 252, 254};

/// A picture's width and height where its shorter side is 1. Horizons lie at shares of the height;
/// what has a form is drawn in these lengths.
struct Sides {
  float width, height;
};

/// Puffs of the sky backdrop: three ellipses a cloud.
struct Puffs {
  struct Puff {
    float x, y, width, height;
  };
  std::vector<Puff> list;

  Puffs(std::uint32_t detail, Sides sides) {
    Random random(detail);
    for (int i = 0; i < 3; ++i) {
      const auto x = static_cast<float>(random.unit()) * sides.width;
      const auto y = static_cast<float>((i + 0.2 + 0.6 * random.unit()) / 3) * sides.height;
      list.push_back({x, y, 0.16f, 0.05f});
      list.push_back({x - 0.05f, y - 0.035f, 0.08f, 0.05f});
      list.push_back({x + 0.06f, y - 0.025f, 0.07f, 0.045f});
    }
  }
  /// How much cloud there is, 0..1, with soft edges.
  float cover(float x, float y) const {
    float most = 0;
    for (const Puff& puff : list)
      most =
          std::max(most, 0.5f - ellipse(x - puff.x, y - puff.y, puff.width, puff.height) / 0.03f);
    return std::min(most, 1.0f);
  }
};

/// Points of light above the horizon.
struct Stars {
  static constexpr int kCount = 14;
  std::array<Point, kCount> at;

  Stars(std::uint32_t detail, Sides sides) {
    Random random(detail ^ 0x57a25u);
    for (Point& star : at)
      star = {static_cast<float>(random.unit()) * sides.width,
              static_cast<float>(random.unit()) * sides.height};
  }
  float light(float x, float y) const {
    float most = 0;
    for (const Point& star : at)
      most = std::max(most, 1.3f - circle(x - star.x, y - star.y, 0) / 0.012f);
    return std::clamp(most, 0.0f, 1.0f);
  }
};

/// From one paint to the other across an edge at `at`, as wide as a pixel.
Paint edge(const Paint& above, const Paint& below, float y, float at, float pixel) {
  return mixed(above, below, std::clamp((y - at) / pixel + 0.5f, 0.0f, 1.0f));
}

Paint meadow(float x, float y, float phase, float pixel) {
  const float far_hills = 0.54f + 0.05f * std::sin(kTurn * (0.9f * x + phase));
  const float near_hill = 0.64f + 0.03f * std::sin(kTurn * (0.7f * x + 0.4f + 1.7f * phase));
  const Paint sky = mixed(kZenith, kHorizon, std::min(y / 0.6f, 1.0f));
  const Paint far = edge(sky, {150, 200, 132}, y, far_hills, pixel);
  const Paint grass =
      mixed({116, 184, 82}, {82, 150, 62}, std::clamp((y - 0.6f) / 0.4f, 0.0f, 1.0f));
  return edge(far, grass, y, near_hill, pixel);
}

Paint sea(float x, float y, float phase, float pixel) {
  constexpr float kLine = 0.48f;
  const Paint sky = mixed(kZenith, kHorizon, std::min(y / kLine, 1.0f));
  const float depth = std::clamp((y - kLine) / (1 - kLine), 0.0f, 1.0f);
  const float wave =
      std::sin(kTurn * (5 * std::sqrt(depth + 0.02f) + 0.12f * std::sin(kTurn * (2 * x + phase))));
  const Paint water = mixed({72, 150, 208}, {24, 84, 158}, depth);
  return edge(sky, mixed(water, {206, 234, 246}, 0.16f * std::max(wave, 0.0f)), y, kLine, pixel);
}

Paint sky(float y, float cloud) {
  return mixed(mixed(kZenith, kHorizon, y), kCloudWhite, 0.85f * cloud);
}

/// x from the middle.
Paint room(float x, float y, float pixel) {
  constexpr float kFloor = 0.7f;
  const Paint wall = mixed({240, 228, 204}, {228, 212, 184}, y);
  const Paint skirting = edge(wall, {250, 248, 242}, y, kFloor - 0.04f, pixel);
  // Boards run towards the eye: their seams meet above the floor.
  const float across = x / (y - 0.35f) * 1.6f;
  const float seam = std::abs(across - std::round(across)) < 0.03f ? 0.12f : 0;
  const Paint boards =
      mixed(mixed({190, 138, 90}, {160, 108, 66}, (y - kFloor) / (1 - kFloor)), {90, 56, 30}, seam);
  return edge(skirting, boards, y, kFloor, pixel);
}

Paint washed(const Paint& paint, float x, float y, std::uint32_t detail) {
  return mixed(kPaper, paint, 0.86f + 0.08f * stain(x, y, detail));
}

}  // namespace

float stain(float x, float y, std::uint32_t detail) {
  const float a = (detail & 255) / 40.0f, b = (detail >> 8 & 255) / 40.0f;
  return 0.5f * std::sin(7 * x + 3 * std::sin(5 * y + a) + b) +
         0.5f * std::sin(9 * y - 4 * x + 2 * std::sin(6 * x + b) + a);
}

Paint at_night(const Paint& paint, float lit) {
  constexpr Paint kMoonlight = {0.78f, 0.84f, 1.15f}, kDark = {6, 8, 26};
  Paint out;
  for (int c = 0; c < 3; ++c) out[c] = std::min(kDark[c] + lit * kMoonlight[c] * paint[c], 255.0f);
  return out;
}

std::vector<Paint> paint_backdrop(const Scene& scene, Extent extent) {
  std::vector<Paint> canvas(static_cast<std::size_t>(extent.width) * extent.height);
  const float phase = (scene.detail >> 16 & 255) / 256.0f;
  const float length = 1.0f / extent.shorter(), pixel = 1.0f / extent.height;
  const Sides sides = {extent.width * length, extent.height * length};
  const bool night = scene.rendering == Rendering::night;
  const Puffs puffs(scene.detail, sides);
  const Stars stars(scene.detail, sides);
  for (int row = 0; row < extent.height; ++row)
    for (int column = 0; column < extent.width; ++column) {
      const float x = (column + 0.5f) * length, down = (row + 0.5f) * length;
      const float y = (row + 0.5f) * pixel;  // share of the height
      Paint paint{};
      switch (scene.backdrop) {
        case Backdrop::plain:
          paint = scene.rendering == Rendering::pencil ? kPaper
                  : night                              ? mixed({60, 70, 120}, {120, 130, 190}, y)
                                                       : plain(scene.background, y);
          break;
        case Backdrop::meadow:
          paint = meadow(x, y, phase, pixel);
          break;
        case Backdrop::sea:
          paint = sea(x, y, phase, pixel);
          break;
        case Backdrop::sky:
          paint = sky(y, puffs.cover(x, down));
          break;
        case Backdrop::room:
          paint = room(x - sides.width / 2, y, pixel);
          break;
      }
      if (scene.rendering == Rendering::watercolor) paint = washed(paint, x, down, scene.detail);
      if (night) {
        paint = at_night(paint, 0.34f);
        const bool open =
            scene.backdrop != Backdrop::room &&
            (y < 0.42f || scene.backdrop == Backdrop::plain || scene.backdrop == Backdrop::sky);
        if (open) paint = mixed(paint, {255, 250, 214}, 0.9f * stars.light(x, down));
      }
      canvas[static_cast<std::size_t>(row) * extent.width + column] = paint;
    }
  return canvas;
}

}  // namespace invokeai::drawer
