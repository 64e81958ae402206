#include "drawer/scene.h"

#include <algorithm>
#include <cmath>

#include "drawer/random.h"

namespace invokeai::drawer {
namespace {

constexpr std::array<double, kSizes> kRadius = {0.16, 0.26, 0.38};
constexpr double kRadiusJitter = 0.08;  // share of the radius
constexpr double kShift = 0.2;          // from the centre to a place
constexpr double kShiftJitter = 0.04;
constexpr double kCrowdedJitter = 0.015;  // where others are near
constexpr double kMargin = 0.02;          // between an object and the picture's edge
constexpr double kPairRadius = 0.185;
constexpr double kPairShift = 0.245;

struct Offset {
  int x, y;
};
constexpr std::array<Offset, kPlaces> kDirections = {{{0, 0}, {-1, 0}, {1, 0}, {0, -1}, {0, 1}}};

Place opposite(Place place) {
  switch (place) {
    case Place::left:
      return Place::right;
    case Place::right:
      return Place::left;
    case Place::top:
      return Place::bottom;
    case Place::bottom:
      return Place::top;
    case Place::centre:
      break;
  }
  return Place::centre;
}

template <class Enum>
Enum pick(Random& random, int count) {
  return static_cast<Enum>(random.below(count));
}

/// One of them, each as likely as its share; the shares add up to 1.
template <class Enum, std::size_t N>
Enum pick(Random& random, const std::array<double, N>& shares) {
  double roll = random.unit();
  for (std::size_t i = 0; i + 1 < N; ++i)
    if ((roll -= shares[i]) < 0) return static_cast<Enum>(i);
  return static_cast<Enum>(N - 1);
}

Place pick_side(Random& random) { return static_cast<Place>(1 + random.below(kPlaces - 1)); }

Size pick_size(Random& random, Place place) {
  double roll = random.unit();
  // A big object at a side would be cut off by the picture's edge.
  if (place != Place::centre) return roll < 0.4 ? Size::small : Size::normal;
  return roll < 0.2 ? Size::small : roll < 0.5 ? Size::big : Size::normal;
}

float within_picture(double centre, double radius) {
  const double reach = radius + kMargin;
  return static_cast<float>(std::clamp(centre, reach, 1 - reach));
}

/// Sets radius and centre, jittered, and within the picture.
void put_at(Object& object, double x, double y, double radius, Random& random,
            double jitter = kShiftJitter) {
  radius *= 1 + random.around_zero(kRadiusJitter);
  object.radius = static_cast<float>(radius);
  object.cx = within_picture(x + random.around_zero(jitter), radius);
  object.cy = within_picture(y + random.around_zero(jitter), radius);
}

/// Sets the geometry that goes with the object's place.
void put(Object& object, double radius, double shift, Random& random) {
  const Offset direction = kDirections[static_cast<int>(object.place)];
  put_at(object, 0.5 + direction.x * shift, 0.5 + direction.y * shift, radius, random);
}

/// Shapes and colours to choose from.
struct Palette {
  int shapes, colors;
};
constexpr Palette kBasic{kBasicShapes, kBasicColors}, kFull{kShapes, kColors};

/// Draws shape and colour until the object differs from the background and is held out or not.
Object pick_object(Random& random, Color background, bool held_out, Palette palette) {
  Object object;
  do {
    object.shape = pick<Shape>(random, palette.shapes);
    object.color = pick<Color>(random, palette.colors);
  } while (object.color == background ||
           is_held_out(object.shape, object.color, background) != held_out);
  return object;
}

Scene single(Random& random, double placed_share, bool held_out, Palette palette) {
  Scene scene;
  scene.background = pick<Color>(random, palette.colors);
  Object object = pick_object(random, scene.background, held_out, palette);
  if (random.chance(placed_share)) object.place = pick_side(random);
  object.size = pick_size(random, object.place);
  put(object, kRadius[static_cast<int>(object.size)], kShift, random);
  scene.objects = {object};
  return scene;
}

Scene basic_pair(Random& random) {
  Scene scene;
  scene.background = pick<Color>(random, kBasicColors);
  Object first = pick_object(random, scene.background, false, kBasic);
  Object second = first;
  while (second.shape == first.shape && second.color == first.color)
    second = pick_object(random, scene.background, false, kBasic);
  first.place = pick_side(random);
  second.place = opposite(first.place);
  put(first, kPairRadius, kPairShift, random);
  put(second, kPairRadius, kPairShift, random);
  scene.objects = {first, second};
  return scene;
}

/// Wide enough that something can be seen within.
constexpr std::array kHolders = {Shape::circle,  Shape::square, Shape::heart,
                                 Shape::diamond, Shape::cloud,  Shape::balloon};

/// Places the objects of a group, whose shapes and colours are chosen.
void arrange(Scene& scene, Random& random) {
  std::vector<Object>& objects = scene.objects;
  switch (scene.grouping) {
    case Grouping::apart:
      objects[0].place = pick_side(random);
      objects[1].place = opposite(objects[0].place);
      for (Object& object : objects) put(object, kPairRadius, kPairShift, random);
      break;
    case Grouping::inside: {
      objects[1].shape = kHolders[random.below(static_cast<int>(kHolders.size()))];
      put_at(objects[1], 0.5, 0.5, 0.42, random);
      put_at(objects[0], objects[1].cx, objects[1].cy, 0.15, random, kCrowdedJitter);
      objects[1].size = Size::big;
      objects[0].size = Size::small;
      break;
    }
    case Grouping::in_front: {
      const double side = random.chance(0.5) ? 0.11 : -0.11;
      put_at(objects[1], 0.5 - side, 0.4, 0.27, random);
      put_at(objects[0], 0.5 + side, 0.67, 0.23, random);
      break;
    }
    case Grouping::between:
      for (int i = 0; i < 3; ++i) {
        constexpr std::array kAcross = {0.5, 0.18, 0.82};
        put_at(objects[i], kAcross[i], 0.5, 0.135, random, kCrowdedJitter);
        objects[i].size = Size::small;
      }
      break;
    case Grouping::several: {
      const bool three = objects.size() == 3;
      const double first = three ? 0.18 : 0.26, step = three ? 0.32 : 0.48;
      const double tilt = random.around_zero(0.16);
      for (std::size_t i = 0; i < objects.size(); ++i)
        put_at(objects[i], first + step * i, 0.5 + tilt * (i - (objects.size() - 1) / 2.0),
               three ? 0.135 : 0.19, random, kCrowdedJitter);
      break;
    }
  }
}

/// Objects for a grouping of more than one, the first held out or not, colours all different.
void fill_group(Scene& scene, Random& random, bool held_out) {
  const int count = scene.grouping == Grouping::between   ? 3
                    : scene.grouping == Grouping::several ? 2 + random.below(2)
                                                          : 2;
  scene.objects = {pick_object(random, scene.background, held_out, kFull)};
  while (static_cast<int>(scene.objects.size()) < count) {
    Object next = scene.objects.front();
    if (scene.grouping != Grouping::several) {
      next = pick_object(random, scene.background, false, kFull);
      const auto same = [&](const Object& other) { return other.color == next.color; };
      if (std::ranges::any_of(scene.objects, same)) continue;
    }
    scene.objects.push_back(next);
  }
  arrange(scene, random);
}

/// Colours that a thing can hardly have before this backdrop.
bool is_lost(Color color, Backdrop backdrop) {
  switch (backdrop) {
    case Backdrop::meadow:
      return color == Color::green || color == Color::lime || color == Color::cyan;
    case Backdrop::sea:
      return color == Color::blue || color == Color::cyan;
    case Backdrop::sky:
      return color == Color::cyan || color == Color::white;
    case Backdrop::room:
      return color == Color::brown || color == Color::white;
    case Backdrop::plain:
      break;
  }
  return false;
}

/// Stands the objects on the ground that the backdrop has.
void settle(Scene& scene) {
  if (scene.backdrop == Backdrop::plain || scene.backdrop == Backdrop::sky) return;
  const float ground = scene.backdrop == Backdrop::sea ? 0.78f : 0.86f;
  for (Object& object : scene.objects) {
    if (object.place == Place::top || object.place == Place::bottom) object.place = Place::centre;
    if (scene.objects.size() == 1)
      object.cy = within_picture(ground - object.radius, object.radius);
  }
}

Scene full_scene(Random& random, const SceneOptions& options) {
  Scene look;
  if (options.single) {
    look.rendering = random.chance(0.3) ? Rendering::shiny : Rendering::flat;
  } else {
    look.rendering = pick<Rendering>(random, std::array{0.48, 0.22, 0.1, 0.1, 0.1});
    look.grouping = pick<Grouping>(random, std::array{0.74, 0.07, 0.07, 0.05, 0.07});
    if (look.grouping == Grouping::apart && look.rendering != Rendering::pencil)
      look.backdrop = pick<Backdrop>(random, std::array{0.64, 0.09, 0.09, 0.09, 0.09});
  }
  look.background = look.rendering == Rendering::pencil  ? Color::white
                    : look.rendering == Rendering::night ? Color::black
                                                         : pick<Color>(random, kColors);
  const bool pair = !options.single && look.backdrop == Backdrop::plain && random.chance(0.25);
  Scene scene;
  do {
    if (look.grouping != Grouping::apart || pair) {
      scene = look;
      fill_group(scene, random, false);
    } else {
      scene = single(random, options.placed_share, false, kFull);
      scene.background = look.background;
      scene.grouping = look.grouping;
      scene.backdrop = look.backdrop;
      scene.rendering = look.rendering;
    }
  } while (std::ranges::any_of(scene.objects, [&](const Object& object) {
    if (scene.backdrop != Backdrop::plain) return is_lost(object.color, scene.backdrop);
    return object.color == scene.background ||
           is_held_out(object.shape, object.color, scene.background);
  }));
  settle(scene);
  if (!options.single && random.chance(scene.objects.size() == 1 ? 0.3 : 0.1)) {
    const auto pattern = static_cast<Pattern>(1 + random.below(kPatterns - 1));
    for (std::size_t i = 0; i < scene.objects.size(); ++i)
      if (i == 0 || scene.grouping == Grouping::several) scene.objects[i].pattern = pattern;
  }
  scene.detail = static_cast<std::uint32_t>(random.next());
  return scene;
}

}  // namespace

Rgb rgb(Color color) {
  static constexpr std::array<Rgb, kColors> kPaints = {{{216, 40, 44},
                                                        {246, 138, 28},
                                                        {252, 220, 60},
                                                        {44, 158, 72},
                                                        {72, 208, 222},
                                                        {32, 76, 204},
                                                        {146, 66, 188},
                                                        {250, 152, 196},
                                                        {248, 248, 246},
                                                        {26, 26, 32},
                                                        {122, 74, 40},
                                                        {136, 136, 140},
                                                        {164, 224, 44},
                                                        {220, 28, 142}}};
  return kPaints[static_cast<int>(color)];
}

std::map<std::string, Rendering> styles() {
  return {{"shiny", Rendering::shiny},
          {"pencil", Rendering::pencil},
          {"watercolor", Rendering::watercolor},
          {"night", Rendering::night}};
}

bool is_held_out(Shape shape, Color color, Color background) {
  const int key =
      (static_cast<int>(shape) * 64 + static_cast<int>(color)) * 64 + static_cast<int>(background);
  return Random(static_cast<std::uint64_t>(key)).next() % 8 == 0;
}

Scene random_scene(std::uint64_t seed, const SceneOptions& options) {
  Random random(Random(seed ^ 0x5ce2eu).next());
  if (options.vocabulary == Vocabulary::full) return full_scene(random, options);
  if (random.chance(options.pair_share)) return basic_pair(random);
  return single(random, options.placed_share, false, kBasic);
}

Scene held_out_scene(std::uint64_t index, Vocabulary vocabulary) {
  Random random(Random(index ^ 0x8e1d0000u).next());
  const bool basic = vocabulary == Vocabulary::basic;
  Scene scene = single(random, SceneOptions{}.placed_share, true, basic ? kBasic : kFull);
  if (!basic && random.chance(0.3)) scene.rendering = Rendering::shiny;
  return scene;
}

Scene held_out_group(std::uint64_t index) {
  Random random(Random(index ^ 0x8e1d6000u).next());
  Scene scene;
  scene.grouping = pick<Grouping>(random, std::array{0.4, 0.2, 0.15, 0.1, 0.15});
  scene.background = pick<Color>(random, kColors);
  fill_group(scene, random, true);
  return scene;
}

Size nearest_size(float extent) {
  // Extents are up to 15 % below the radius, hence the limits a little below half way.
  return extent < 0.188f ? Size::small : extent < 0.29f ? Size::normal : Size::big;
}

Place nearest_place(float cx, float cy) {
  const float x = cx - 0.5f, y = cy - 0.5f;
  if (std::max(std::abs(x), std::abs(y)) < kShift / 2) return Place::centre;
  if (std::abs(x) > std::abs(y)) return x < 0 ? Place::left : Place::right;
  return y < 0 ? Place::top : Place::bottom;
}

}  // namespace invokeai::drawer
