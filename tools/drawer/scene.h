#pragma once
// What a training picture shows: coloured things on a ground, how they stand to each other, and in
// which manner they are drawn.

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace invokeai::drawer {

// clang-format off
enum class Shape {
  circle, square, triangle, star, heart, diamond, ring, cross, moon, flower,
  house, tree, sun, cloud, fish, bird, boat, car, cup, mushroom, apple, balloon, umbrella,
  butterfly, leaf, rocket, crown, cat
};
enum class Color {
  red, orange, yellow, green, cyan, blue, purple, pink, white, black, brown, gray, lime, magenta
};
// clang-format on
enum class Size { small, normal, big };
enum class Place { centre, left, right, top, bottom };
enum class Pattern { plain, striped, dotted, checkered };
enum class Rendering { flat, shiny, pencil, watercolor, night };
enum class Backdrop { plain, meadow, sea, sky, room };
/// How the objects of a scene stand to each other.
enum class Grouping {
  apart,     ///< one, or two that stand apart side by side or one above the other
  inside,    ///< the first within the second
  in_front,  ///< the first covers a part of the second
  between,   ///< the first in the middle, the second at its left, the third at its right
  several    ///< two or three of the same
};

inline constexpr int kShapes = 28, kColors = 14, kSizes = 3, kPlaces = 5, kPatterns = 4,
                     kRenderings = 5, kBackdrops = 5, kGroupings = 5;
/// The first shapes and colours are a vocabulary of their own: single flat shapes and pairs.
inline constexpr int kBasicShapes = 10, kBasicColors = 10;

/// The word for it in captions, e.g. "heart", "red", "big", "left"; "flat" and "plain" are not
/// said.
std::string_view name(Shape shape);
std::string_view name(Color color);
std::string_view name(Size size);
std::string_view name(Place place);
std::string_view name(Pattern pattern);
std::string_view name(Rendering rendering);
std::string_view name(Backdrop backdrop);
/// The renderings but flat, by a single word each: what options call them.
std::map<std::string, Rendering> styles();

struct Rgb {
  std::uint8_t r = 0, g = 0, b = 0;
};

/// Width and height of a picture, pixels.
struct Extent {
  int width, height;

  Extent(int side) : width(side), height(side) {}  // NOLINT(google-explicit-constructor): a square
  Extent(int w, int h) : width(w), height(h) {}
  int shorter() const { return std::min(width, height); }
};
/// The paint behind a colour name, sRGB.
Rgb rgb(Color color);

/// One thing. x to the right and y down are shares of the picture's width and height, lengths
/// shares of its shorter side, all in [0,1].
struct Object {
  Shape shape = Shape::circle;
  Color color = Color::red;
  Size size = Size::normal;
  Place place = Place::centre;
  float cx = 0.5f;
  float cy = 0.5f;
  float radius = 0.26f;  ///< half the longer side of the shape's bounding box, or up to 10 % more
  Pattern pattern = Pattern::plain;
};

/// Objects before a ground. In a pair both are of normal size and their places (left and right, or
/// top and bottom) tell them apart.
struct Scene {
  Color background =
      Color::white;  ///< of a plain backdrop; pencil is drawn on white, night on black
  std::vector<Object> objects;
  Grouping grouping = Grouping::apart;
  Backdrop backdrop = Backdrop::plain;
  Rendering rendering = Rendering::flat;
  std::uint32_t detail = 0;  ///< where clouds, stars and stains lie
};

enum class Vocabulary { basic, full };

/// What random scenes are made of.
struct SceneOptions {
  Vocabulary vocabulary = Vocabulary::full;
  double pair_share = 0.25;    ///< basic scenes with two objects
  double placed_share = 0.40;  ///< single objects that are not in the centre (never big ones)
  bool single = false;         ///< full scenes of one object on a plain backdrop, flat or shiny
};

/// The scene of this seed, the same on every machine. Never shows a held-out combination.
Scene random_scene(std::uint64_t seed, const SceneOptions& options = {});

/// One in eight combinations of shape, colour and background is kept out of all random scenes, so
/// that pictures made from such captions show what was understood rather than remembered.
bool is_held_out(Shape shape, Color color, Color background);

/// The i-th scene with one object in a held-out combination, flat or shiny, on a plain backdrop.
Scene held_out_scene(std::uint64_t index, Vocabulary vocabulary = Vocabulary::full);

/// The i-th scene of several objects, the first in a held-out combination and no two of one colour
/// (except `several`, which are all alike), flat, on a plain backdrop.
Scene held_out_group(std::uint64_t index);

/// The size whose usual extent is nearest to half the longer side of a shape's bounding box, and
/// the place whose usual centre is nearest to (cx, cy); for what measure() saw.
Size nearest_size(float extent);
Place nearest_place(float cx, float cy);

}  // namespace invokeai::drawer
