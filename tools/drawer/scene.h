#pragma once
// What a training picture shows, and how one would say so: coloured shapes on a coloured ground.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace invokeai::drawer {

enum class Shape { circle, square, triangle, star, heart, diamond, ring, cross, moon, flower };
enum class Color { red, orange, yellow, green, cyan, blue, purple, pink, white, black };
enum class Size { small, normal, big };
enum class Place { centre, left, right, top, bottom };

inline constexpr int kShapes = 10, kColors = 10, kSizes = 3, kPlaces = 5;

/// The word for it in captions, e.g. "heart", "red", "big", "left".
std::string_view name(Shape shape);
std::string_view name(Color color);
std::string_view name(Size size);
std::string_view name(Place place);

struct Rgb {
  std::uint8_t r = 0, g = 0, b = 0;
};
/// The paint behind a colour name, sRGB.
Rgb rgb(Color color);

/// One shape. Lengths are shares of the picture's side: x to the right, y down, both in [0,1].
struct Object {
  Shape shape = Shape::circle;
  Color color = Color::red;
  Size size = Size::normal;
  Place place = Place::centre;
  float cx = 0.5f;
  float cy = 0.5f;
  float radius = 0.26f;  ///< half the longer side of the shape's bounding box, or up to 10 % more
};

/// One object, or two that stand apart side by side or one above the other. In a pair both are of
/// normal size and their places (left and right, or top and bottom) tell them apart.
struct Scene {
  Color background = Color::white;
  std::vector<Object> objects;
};

/// What random scenes are made of.
struct SceneOptions {
  double pair_share = 0.25;    ///< scenes with two objects
  double placed_share = 0.40;  ///< single objects that are not in the centre (never big ones)
};

/// The scene of this seed, the same on every machine. Never shows a held-out combination.
Scene random_scene(std::uint64_t seed, const SceneOptions& options = {});

/// One in eight combinations of shape, colour and background is kept out of all random scenes, so
/// that pictures made from such captions show what was understood rather than remembered.
bool is_held_out(Shape shape, Color color, Color background);

/// The i-th scene with one object in a held-out combination.
Scene held_out_scene(std::uint64_t index);

/// Says the scene in one of several ways, lower case, chosen by the seed. Size and place are named
/// unless they are normal and centre; 5 % leave out the background, 3 % the colour of the object.
std::string caption(const Scene& scene, std::uint64_t seed);

/// Says everything about the scene in the plainest way: "a big red star on a blue background".
std::string plain_caption(const Scene& scene);

/// Every word that a caption may hold, and the comma, each once.
std::vector<std::string> vocabulary_texts();

/// The size whose usual extent is nearest to half the longer side of a shape's bounding box, and
/// the place whose usual centre is nearest to (cx, cy); for what measure() saw.
Size nearest_size(float extent);
Place nearest_place(float cx, float cy);

}  // namespace invokeai::drawer
