#include "drawer/scene.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "drawer/random.h"

namespace invokeai::drawer {
namespace {

constexpr std::array<std::string_view, kShapes> kShapeNames = {
    "circle", "square", "triangle", "star", "heart", "diamond", "ring", "cross", "moon", "flower"};
constexpr std::array<std::string_view, kColors> kColorNames = {
    "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "white", "black"};
constexpr std::array<std::string_view, kSizes> kSizeNames = {"small", "normal", "big"};
constexpr std::array<std::string_view, kPlaces> kPlaceNames = {"centre", "left", "right", "top",
                                                               "bottom"};

constexpr std::array<Rgb, kColors> kPaints = {{{216, 40, 44},
                                               {246, 138, 28},
                                               {252, 220, 60},
                                               {44, 158, 72},
                                               {72, 208, 222},
                                               {32, 76, 204},
                                               {146, 66, 188},
                                               {250, 152, 196},
                                               {248, 248, 246},
                                               {26, 26, 32}}};

constexpr std::array<double, kSizes> kRadius = {0.16, 0.26, 0.38};
constexpr double kRadiusJitter = 0.08;  // share of the radius
constexpr double kShift = 0.2;          // from the centre to a place
constexpr double kShiftJitter = 0.04;
constexpr double kMargin = 0.02;  // between an object and the picture's edge
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

Place pick_side(Random& random) { return static_cast<Place>(1 + random.below(kPlaces - 1)); }

Size pick_size(Random& random, Place place) {
  double roll = random.unit();
  // A big object at a side would be cut off by the picture's edge.
  if (place != Place::centre) return roll < 0.4 ? Size::small : Size::normal;
  return roll < 0.2 ? Size::small : roll < 0.5 ? Size::big : Size::normal;
}

/// Sets the geometry that goes with the object's place, jittered, and within the picture.
void put(Object& object, double radius, double shift, Random& random) {
  const Offset direction = kDirections[static_cast<int>(object.place)];
  radius *= 1 + random.around_zero(kRadiusJitter);
  const double reach = radius + kMargin;
  const auto settle = [&](int side) {
    double centre = 0.5 + side * shift + random.around_zero(kShiftJitter);
    return static_cast<float>(std::clamp(centre, reach, 1 - reach));
  };
  object.radius = static_cast<float>(radius);
  object.cx = settle(direction.x);
  object.cy = settle(direction.y);
}

/// Draws shape and colour until the object differs from the background and is held out or not.
Object pick_object(Random& random, Color background, bool held_out) {
  Object object;
  do {
    object.shape = pick<Shape>(random, kShapes);
    object.color = pick<Color>(random, kColors);
  } while (object.color == background ||
           is_held_out(object.shape, object.color, background) != held_out);
  return object;
}

Scene single(Random& random, double placed_share, bool held_out) {
  Scene scene;
  scene.background = pick<Color>(random, kColors);
  Object object = pick_object(random, scene.background, held_out);
  if (random.chance(placed_share)) object.place = pick_side(random);
  object.size = pick_size(random, object.place);
  put(object, kRadius[static_cast<int>(object.size)], kShift, random);
  scene.objects = {object};
  return scene;
}

Scene pair(Random& random) {
  Scene scene;
  scene.background = pick<Color>(random, kColors);
  Object first = pick_object(random, scene.background, false);
  Object second = first;
  while (second.shape == first.shape && second.color == first.color)
    second = pick_object(random, scene.background, false);
  first.place = pick_side(random);
  second.place = opposite(first.place);
  put(first, kPairRadius, kPairShift, random);
  put(second, kPairRadius, kPairShift, random);
  scene.objects = {first, second};
  return scene;
}

/// What stays unsaid, and whether articles are used.
struct Wording {
  bool articles = true;
  bool color = true;
};

std::string with_article(std::string text) {
  const bool vowel = std::string_view("aeiou").find(text[0]) != std::string_view::npos;
  return (vowel ? "an " : "a ") + text;
}

/// "a big red star"
std::string noun(const Object& object, Wording wording) {
  std::string text;
  if (object.size != Size::normal) text += fmt::format("{} ", name(object.size));
  if (wording.color) text += fmt::format("{} ", name(object.color));
  text += name(object.shape);
  return wording.articles ? with_article(text) : text;
}

/// "left of", for an object at the left.
std::string_view relation(Place place) {
  switch (place) {
    case Place::left:
      return "left of";
    case Place::right:
      return "right of";
    case Place::top:
      return "above";
    case Place::bottom:
      return "below";
    case Place::centre:
      break;
  }
  return "and";
}

/// "a red star at the left", or "a red circle above a blue square".
std::string subject(const Scene& scene, Wording wording, bool swapped) {
  const Object& first = scene.objects[swapped ? 1 : 0];
  if (scene.objects.size() == 2) {
    const Object& second = scene.objects[swapped ? 0 : 1];
    return fmt::format("{} {} {}", noun(first, wording), relation(first.place),
                       noun(second, wording));
  }
  if (first.place == Place::centre) return noun(first, wording);
  return fmt::format("{} at the {}", noun(first, wording), name(first.place));
}

/// "red star, big, left, blue background", the parts in any order that starts with the shape.
std::string tags(const Object& object, Color background, Random& random) {
  std::vector<std::string> parts;
  if (object.size != Size::normal) parts.emplace_back(name(object.size));
  if (object.place != Place::centre) parts.emplace_back(name(object.place));
  parts.push_back(fmt::format("{} background", name(background)));
  for (std::size_t i = parts.size() - 1; i > 0; --i)
    std::swap(parts[i], parts[random.below(static_cast<int>(i) + 1)]);
  return fmt::format("{} {}, {}", name(object.color), name(object.shape), fmt::join(parts, ", "));
}

}  // namespace

std::string_view name(Shape shape) { return kShapeNames[static_cast<int>(shape)]; }
std::string_view name(Color color) { return kColorNames[static_cast<int>(color)]; }
std::string_view name(Size size) { return kSizeNames[static_cast<int>(size)]; }
std::string_view name(Place place) { return kPlaceNames[static_cast<int>(place)]; }
Rgb rgb(Color color) { return kPaints[static_cast<int>(color)]; }

bool is_held_out(Shape shape, Color color, Color background) {
  const int key =
      (static_cast<int>(shape) * 64 + static_cast<int>(color)) * 64 + static_cast<int>(background);
  return Random(static_cast<std::uint64_t>(key)).next() % 8 == 0;
}

Scene random_scene(std::uint64_t seed, const SceneOptions& options) {
  Random random(Random(seed ^ 0x5ce2eu).next());
  if (random.chance(options.pair_share)) return pair(random);
  return single(random, options.placed_share, false);
}

Scene held_out_scene(std::uint64_t index) {
  Random random(Random(index ^ 0x8e1d0000u).next());
  return single(random, SceneOptions{}.placed_share, true);
}

std::string plain_caption(const Scene& scene) {
  return fmt::format("{} on {} background", subject(scene, {}, false),
                     with_article(std::string(name(scene.background))));
}

std::string caption(const Scene& scene, std::uint64_t seed) {
  Random random(Random(seed ^ 0xca97100u).next());
  const double omission = random.unit();
  const bool swapped = scene.objects.size() == 2 && random.chance(0.5);
  Wording wording;
  wording.articles = random.chance(0.6);
  if (omission < 0.05) return subject(scene, wording, swapped);
  wording.color = omission >= 0.08 || scene.objects.size() == 2;
  const std::string what = subject(scene, wording, swapped);
  const std::string ground(name(scene.background));
  switch (random.below(6)) {
    case 0:
      return fmt::format("{}, {} background", what, ground);
    case 1:
      return fmt::format("{} on {}", what, ground);
    case 2:
      if (scene.objects.size() == 1 && wording.color)
        return tags(scene.objects[0], scene.background, random);
      return fmt::format("{} background, {}", ground, what);
    default:
      return fmt::format("{} on {} background", what,
                         wording.articles ? with_article(ground) : ground);
  }
}

std::vector<std::string> vocabulary_texts() {
  std::vector<std::string> words = {"a",  "an",    "on",    "background", "at",
                                    "of", "above", "below", "the",        ","};
  words.insert(words.end(), kShapeNames.begin(), kShapeNames.end());
  words.insert(words.end(), kColorNames.begin(), kColorNames.end());
  words.insert(words.end(), kSizeNames.begin(), kSizeNames.end());
  words.insert(words.end(), kPlaceNames.begin(), kPlaceNames.end());
  return words;
}

Size nearest_size(float extent) {
  // Extents are up to 10 % below the radius, hence the limits a little below half way.
  return extent < 0.2f ? Size::small : extent < 0.3f ? Size::normal : Size::big;
}

Place nearest_place(float cx, float cy) {
  const float x = cx - 0.5f, y = cy - 0.5f;
  if (std::max(std::abs(x), std::abs(y)) < kShift / 2) return Place::centre;
  if (std::abs(x) > std::abs(y)) return x < 0 ? Place::left : Place::right;
  return y < 0 ? Place::top : Place::bottom;
}

}  // namespace invokeai::drawer
