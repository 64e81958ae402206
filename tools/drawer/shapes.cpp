#include "drawer/shapes.h"

#include <numbers>

#include "drawer/outline.h"

namespace invokeai::drawer {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;

// Figures of one part.

float disc(float x, float y) { return circle(x, y, 1); }

float square(float x, float y) { return box(x, y, 0.82f, 0.82f) - 0.08f; }

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
  const float turned = box((side + v) * kTurn, (side - v) * kTurn, kHalf, kHalf);
  return std::min(turned, circle(side - kLobe, v + kLobe, kHalf));
}

float diamond(float x, float y) {
  static constexpr std::array<Point, 4> kCorners = {
      {{0, -0.94f}, {0.66f, 0}, {0, 0.94f}, {-0.66f, 0}}};
  return polygon(kCorners, x, y) - 0.06f;
}

float ring(float x, float y) { return std::abs(circle(x, y, 0.78f)) - 0.22f; }

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

// Things of several parts.

constexpr Part kHouse[] = {
    {Tone::dark, [](float x, float y) { return box(x - 0.42f, y + 0.55f, 0.1f, 0.3f); }},
    {Tone::main, [](float x, float y) { return box(x, y - 0.4f, 0.68f, 0.52f); }},
    {Tone::dark,
     [](float x, float y) {
       static constexpr std::array<Point, 3> kRoof = {
           {{0, -0.86f}, {0.86f, -0.1f}, {-0.86f, -0.1f}}};
       return polygon(kRoof, x, y) - 0.06f;
     }},
    {Tone::wood, [](float x, float y) { return box(x, y - 0.64f, 0.15f, 0.28f); }},
    {Tone::glass,
     [](float x, float y) { return box(std::abs(x) - 0.42f, y - 0.3f, 0.11f, 0.11f) - 0.02f; }}};

constexpr Part kTree[] = {
    {Tone::wood, [](float x, float y) { return box(x, y - 0.62f, 0.1f, 0.3f) - 0.03f; }},
    {Tone::main,
     [](float x, float y) {
       const float side = std::abs(x);
       return std::min({circle(x, y + 0.42f, 0.52f), circle(side - 0.4f, y + 0.02f, 0.42f),
                        circle(x, y - 0.02f, 0.44f)});
     }},
    {Tone::light, [](float x, float y) { return circle(x + 0.16f, y + 0.56f, 0.14f); }},
    {Tone::dark, [](float x, float y) { return circle(x - 0.44f, y - 0.08f, 0.14f); }}};

constexpr Part kSun[] = {{Tone::main,
                          [](float x, float y) {
                            // One ray stands for all twelve: turned back into the first sector.
                            constexpr float kSector = kPi / 6;
                            const float angle = std::atan2(y, x),
                                        turn = std::round(angle / kSector) * kSector;
                            const float u = x * std::cos(turn) + y * std::sin(turn);
                            const float v = y * std::cos(turn) - x * std::sin(turn);
                            return stroke(u, v, {0.7f, 0}, {0.92f, 0}, 0.06f);
                          }},
                         {Tone::main, [](float x, float y) { return circle(x, y, 0.58f); }}};

constexpr Part kCloud[] = {
    {Tone::main,
     [](float x, float y) {
       return std::min({circle(x, y + 0.16f, 0.42f), circle(x + 0.5f, y - 0.1f, 0.34f),
                        circle(x - 0.5f, y - 0.06f, 0.38f), box(x, y - 0.26f, 0.5f, 0.18f)});
     }},
    {Tone::light, [](float x, float y) { return ellipse(x + 0.08f, y + 0.3f, 0.22f, 0.12f); }}};

constexpr Part kFish[] = {
    {Tone::dark,
     [](float x, float y) {
       static constexpr std::array<Point, 4> kTail = {
           {{0.4f, 0}, {0.9f, -0.46f}, {0.74f, 0}, {0.9f, 0.46f}}};
       return polygon(kTail, x, y) - 0.05f;
     }},
    {Tone::dark, [](float x, float y) { return ellipse(x - 0.02f, y + 0.4f, 0.26f, 0.18f); }},
    {Tone::main, [](float x, float y) { return ellipse(x + 0.2f, y, 0.76f, 0.46f); }},
    {Tone::light, [](float x, float y) { return ellipse(x - 0.02f, y - 0.08f, 0.17f, 0.12f); }},
    {Tone::white, [](float x, float y) { return circle(x + 0.62f, y + 0.1f, 0.11f); }},
    {Tone::black, [](float x, float y) { return circle(x + 0.63f, y + 0.1f, 0.055f); }}};

constexpr Part kBird[] = {
    {Tone::gold,
     [](float x, float y) {
       return std::min(stroke(x, y, {-0.1f, 0.5f}, {-0.14f, 0.86f}, 0.035f),
                       stroke(x, y, {0.14f, 0.5f}, {0.1f, 0.86f}, 0.035f));
     }},
    {Tone::dark,
     [](float x, float y) {
       static constexpr std::array<Point, 3> kTail = {
           {{0.3f, 0.05f}, {0.92f, -0.3f}, {0.86f, 0.06f}}};
       return polygon(kTail, x, y) - 0.05f;
     }},
    {Tone::gold,
     [](float x, float y) {
       static constexpr std::array<Point, 3> kBeak = {
           {{-0.6f, -0.5f}, {-0.92f, -0.36f}, {-0.6f, -0.28f}}};
       return polygon(kBeak, x, y) - 0.03f;
     }},
    {Tone::main,
     [](float x, float y) {
       return std::min(ellipse(x - 0.02f, y - 0.16f, 0.58f, 0.42f),
                       circle(x + 0.42f, y + 0.42f, 0.33f));
     }},
    {Tone::dark, [](float x, float y) { return ellipse(x - 0.14f, y - 0.1f, 0.3f, 0.2f); }},
    {Tone::black, [](float x, float y) { return circle(x + 0.5f, y + 0.48f, 0.06f); }}};

constexpr Part kBoat[] = {
    {Tone::wood, [](float x, float y) { return box(x, y + 0.16f, 0.035f, 0.74f); }},
    {Tone::main,
     [](float x, float y) {
       static constexpr std::array<Point, 3> kSail = {
           {{0.12f, -0.82f}, {0.12f, 0.3f}, {0.78f, 0.3f}}};
       static constexpr std::array<Point, 3> kJib = {
           {{-0.12f, -0.6f}, {-0.12f, 0.3f}, {-0.64f, 0.3f}}};
       return std::min(polygon(kSail, x, y), polygon(kJib, x, y)) - 0.04f;
     }},
    {Tone::dark, [](float x, float y) {
       static constexpr std::array<Point, 4> kHull = {
           {{-0.88f, 0.5f}, {0.88f, 0.5f}, {0.56f, 0.86f}, {-0.56f, 0.86f}}};
       return polygon(kHull, x, y) - 0.05f;
     }}};

constexpr Part kCar[] = {
    {Tone::main,
     [](float x, float y) {
       static constexpr std::array<Point, 4> kCabin = {
           {{-0.56f, 0}, {-0.34f, -0.42f}, {0.28f, -0.42f}, {0.56f, 0}}};
       return std::min(polygon(kCabin, x, y) - 0.06f, box(x, y - 0.18f, 0.84f, 0.16f) - 0.1f);
     }},
    {Tone::glass,
     [](float x, float y) {
       static constexpr std::array<Point, 4> kWindow = {
           {{0.06f, -0.06f}, {0.06f, -0.34f}, {0.24f, -0.34f}, {0.42f, -0.06f}}};
       static constexpr std::array<Point, 4> kBack = {
           {{-0.06f, -0.06f}, {-0.06f, -0.34f}, {-0.28f, -0.34f}, {-0.42f, -0.06f}}};
       return std::min(polygon(kWindow, x, y), polygon(kBack, x, y));
     }},
    {Tone::gold, [](float x, float y) { return circle(x - 0.84f, y - 0.14f, 0.07f); }},
    {Tone::black, [](float x, float y) { return circle(std::abs(x) - 0.5f, y - 0.42f, 0.22f); }},
    {Tone::white, [](float x, float y) { return circle(std::abs(x) - 0.5f, y - 0.42f, 0.08f); }}};

constexpr Part kCup[] = {
    {Tone::dark,
     [](float x, float y) { return std::abs(ellipse(x - 0.56f, y - 0.1f, 0.28f, 0.3f)) - 0.07f; }},
    {Tone::main,
     [](float x, float y) {
       static constexpr std::array<Point, 4> kBody = {
           {{-0.76f, -0.6f}, {0.48f, -0.6f}, {0.3f, 0.72f}, {-0.58f, 0.72f}}};
       return polygon(kBody, x, y) - 0.1f;
     }},
    {Tone::dark, [](float x, float y) { return ellipse(x + 0.14f, y + 0.6f, 0.7f, 0.17f); }},
    {Tone::wood, [](float x, float y) { return ellipse(x + 0.14f, y + 0.58f, 0.56f, 0.1f); }}};

constexpr Part kMushroom[] = {
    {Tone::cream, [](float x, float y) { return box(x, y - 0.42f, 0.2f, 0.4f) - 0.08f; }},
    {Tone::main,
     [](float x, float y) { return std::max(ellipse(x, y - 0.12f, 0.96f, 1.04f), y - 0.12f); }},
    {Tone::white, [](float x, float y) {
       return std::min({circle(x + 0.06f, y + 0.5f, 0.13f), circle(x - 0.46f, y + 0.24f, 0.11f),
                        circle(x + 0.52f, y + 0.14f, 0.1f)});
     }}};

constexpr Part kApple[] = {
    {Tone::wood,
     [](float x, float y) {
       return stroke(x, y, {0, -0.5f}, {0.08f, -0.9f}, 0.05f);
     }},
    {Tone::leaf,
     [](float x, float y) {
       return std::max(circle(x - 0.32f, y + 0.5f, 0.34f), circle(x - 0.32f, y + 0.98f, 0.34f));
     }},
    {Tone::main, [](float x, float y) {
       const float side = std::abs(x);
       return std::min(circle(side - 0.3f, y - 0.12f, 0.62f), ellipse(x, y - 0.2f, 0.6f, 0.66f));
     }}};

constexpr Part kBalloon[] = {
    {Tone::black,
     [](float x, float y) {
       return stroke(x, y, {0, 0.5f}, {0, 0.94f}, 0.025f);
     }},
    {Tone::dark,
     [](float x, float y) {
       static constexpr std::array<Point, 3> kKnot = {{{0, 0.4f}, {0.12f, 0.6f}, {-0.12f, 0.6f}}};
       return polygon(kKnot, x, y) - 0.02f;
     }},
    {Tone::main, [](float x, float y) { return ellipse(x, y + 0.24f, 0.62f, 0.72f); }},
    {Tone::light, [](float x, float y) { return ellipse(x + 0.26f, y + 0.5f, 0.1f, 0.16f); }}};

constexpr Part kUmbrella[] = {
    {Tone::wood,
     [](float x, float y) {
       const float hook =
           std::max(std::abs(circle(x - 0.14f, y - 0.74f, 0.14f)) - 0.05f, 0.74f - y);
       return std::min(stroke(x, y, {0, -0.8f}, {0, 0.74f}, 0.05f), hook);
     }},
    {Tone::main,
     [](float x, float y) {
       const float scallop = std::abs(std::abs(x) - 0.64f) < 0.32f
                                 ? circle(std::abs(x) - 0.64f, y - 0.2f, 0.32f)
                                 : circle(x, y - 0.2f, 0.32f);
       return std::max({circle(x, y - 0.12f, 0.96f), y - 0.12f, -scallop});
     }},
    {Tone::dark, [](float x, float y) {
       return std::max({std::abs(ellipse(x, y - 0.12f, 0.32f, 0.94f)) - 0.025f, y + 0.1f});
     }}};

constexpr Part kButterfly[] = {
    {Tone::main,
     [](float x, float y) {
       const float side = std::abs(x), u = side - 0.5f, v = y + 0.3f;
       const float upper = ellipse(u * 0.85f + v * 0.53f, v * 0.85f - u * 0.53f, 0.36f, 0.52f);
       return std::min(upper, ellipse(side - 0.4f, y - 0.42f, 0.34f, 0.36f));
     }},
    {Tone::light,
     [](float x, float y) {
       const float side = std::abs(x);
       return std::min(circle(side - 0.56f, y + 0.34f, 0.14f),
                       circle(side - 0.42f, y - 0.44f, 0.11f));
     }},
    {Tone::black, [](float x, float y) {
       const float side = std::abs(x);
       return std::min(stroke(side, y, {0, -0.3f}, {0, 0.62f}, 0.08f),
                       stroke(side, y, {0.02f, -0.4f}, {0.2f, -0.84f}, 0.03f));
     }}};

constexpr Part kLeaf[] = {
    {Tone::main,
     [](float x, float y) {
       // Two discs overlap, their tips up right and down left.
       const float u = (x - y) * 0.7071f, v = (x + y) * 0.7071f;
       return std::max(circle(u, v - 0.7f, 1.36f), circle(u, v + 0.7f, 1.36f));
     }},
    {Tone::dark, [](float x, float y) {
       return std::min({stroke(x, y, {-0.9f, 0.9f}, {0.54f, -0.54f}, 0.035f),
                        stroke(x, y, {-0.3f, 0.3f}, {-0.3f, -0.14f}, 0.025f),
                        stroke(x, y, {-0.3f, 0.3f}, {0.14f, 0.3f}, 0.025f),
                        stroke(x, y, {0.08f, -0.08f}, {0.08f, -0.46f}, 0.025f),
                        stroke(x, y, {0.08f, -0.08f}, {0.46f, -0.08f}, 0.025f)});
     }}};

constexpr Part kRocket[] = {
    {Tone::gold,
     [](float x, float y) { return std::max(ellipse(x, y - 0.58f, 0.2f, 0.38f), 0.5f - y); }},
    {Tone::dark,
     [](float x, float y) {
       static constexpr std::array<Point, 4> kFin = {
           {{0.2f, 0.1f}, {0.58f, 0.46f}, {0.58f, 0.76f}, {0.2f, 0.52f}}};
       return polygon(kFin, std::abs(x), y) - 0.03f;
     }},
    {Tone::main,
     [](float x, float y) {
       const float side = std::abs(x);
       return std::max(circle(side + 0.78f, y - 0.02f, 1.18f), y - 0.6f);
     }},
    {Tone::glass, [](float x, float y) { return circle(x, y + 0.2f, 0.15f); }},
    {Tone::dark, [](float x, float y) {
       return std::min(std::max(circle(std::abs(x) + 0.78f, y - 0.02f, 1.18f), y + 0.56f),
                       std::abs(circle(x, y + 0.2f, 0.17f)) - 0.03f);
     }}};

constexpr Part kCrown[] = {
    {Tone::main,
     [](float x, float y) {
       static constexpr std::array<Point, 7> kSpikes = {{{-0.9f, -0.44f},
                                                         {-0.44f, 0.06f},
                                                         {0, -0.62f},
                                                         {0.44f, 0.06f},
                                                         {0.9f, -0.44f},
                                                         {0.74f, 0.66f},
                                                         {-0.74f, 0.66f}}};
       const float side = std::abs(x);
       return std::min({polygon(kSpikes, x, y) - 0.03f, circle(x, y + 0.64f, 0.1f),
                        circle(side - 0.88f, y + 0.46f, 0.09f)});
     }},
    {Tone::dark, [](float x, float y) { return box(x, y - 0.54f, 0.74f, 0.14f); }},
    {Tone::light, [](float x, float y) {
       return std::min(circle(std::abs(x) - 0.4f, y - 0.54f, 0.08f), circle(x, y - 0.54f, 0.08f));
     }}};

constexpr Part kCat[] = {
    {Tone::dark,
     [](float x, float y) {
       return std::min(stroke(x, y, {0.36f, 0.76f}, {0.6f, 0.62f}, 0.09f),
                       stroke(x, y, {0.6f, 0.62f}, {0.62f, 0.24f}, 0.09f));
     }},
    {Tone::main,
     [](float x, float y) {
       static constexpr std::array<Point, 3> kEar = {
           {{0.12f, -0.6f}, {0.46f, -0.9f}, {0.5f, -0.4f}}};
       const float side = std::abs(x);
       return std::min({ellipse(x, y - 0.46f, 0.5f, 0.5f), ellipse(x, y + 0.34f, 0.52f, 0.44f),
                        polygon(kEar, side, y) - 0.04f});
     }},
    {Tone::light, [](float x, float y) { return ellipse(x, y - 0.54f, 0.22f, 0.3f); }},
    {Tone::white, [](float x, float y) { return circle(std::abs(x) - 0.2f, y + 0.4f, 0.11f); }},
    {Tone::black, [](float x, float y) {
       const float side = std::abs(x);
       return std::min({circle(side - 0.19f, y + 0.4f, 0.06f), circle(x, y + 0.22f, 0.05f),
                        stroke(side, y, {0.2f, -0.18f}, {0.44f, -0.2f}, 0.015f)});
     }}};

/// A figure of one part in the object's own colour.
template <Distance edge>
constexpr Part kFigure[] = {{Tone::main, edge}};

}  // namespace

std::span<const Part> parts(Shape shape) {
  static const std::array<std::span<const Part>, kShapes> kParts = {kFigure<disc>,
                                                                    kFigure<square>,
                                                                    kFigure<triangle>,
                                                                    kFigure<star>,
                                                                    kFigure<heart>,
                                                                    kFigure<diamond>,
                                                                    kFigure<ring>,
                                                                    kFigure<cross>,
                                                                    kFigure<moon>,
                                                                    kFigure<flower>,
                                                                    kHouse,
                                                                    kTree,
                                                                    kSun,
                                                                    kCloud,
                                                                    kFish,
                                                                    kBird,
                                                                    kBoat,
                                                                    kCar,
                                                                    kCup,
                                                                    kMushroom,
                                                                    kApple,
                                                                    kBalloon,
                                                                    kUmbrella,
                                                                    kButterfly,
                                                                    kLeaf,
                                                                    kRocket,
                                                                    kCrown,
                                                                    kCat};
  return kParts[static_cast<int>(shape)];
}

float distance(Shape shape, float x, float y) {
  float nearest = 1e9f;
  for (const Part& part : parts(shape)) nearest = std::min(nearest, part.distance(x, y));
  return nearest;
}

}  // namespace invokeai::drawer
