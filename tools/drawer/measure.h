#pragma once
// Pictures back to words: which colours a picture shows, and where its object lies. Made for
// pictures that a model painted, so nothing is expected to be exact.

#include "drawer/scene.h"
#include "image/image.h"

namespace invokeai::drawer {

/// The named colour of the vocabulary that looks most like this one (distance in Oklab, Ottosson
/// 2020).
Color nearest_color(std::uint8_t r, std::uint8_t g, std::uint8_t b,
                    Vocabulary vocabulary = Vocabulary::basic);

/// What is seen in a picture of one object.
struct Measured {
  Color background = Color::white;  ///< of most of the picture's rim
  Color object = Color::white;      ///< of most of the rest; the background's if nothing stands out
  float cx = 0.5f;  ///< centre of the object's bounding box, shares of width and height
  float cy = 0.5f;
  float extent = 0;  ///< half the longer side of that box, a share of the picture's shorter side; 0
                     ///< if nothing stands out
};

/// Measures an RGB picture of at least 16x16 pixels; see nearest_size and nearest_place.
Measured measure(const image::Image& picture, Vocabulary vocabulary = Vocabulary::basic);

/// Whether the picture, on a plain backdrop, shows the objects of a scene as they are grouped
/// there: left or right, above or below, inside, in front, between, or as many of them. Objects are
/// found by their colours, which must differ unless they are several of the same.
bool is_grouped_like(const Scene& scene, const image::Image& picture);

/// The object with a little ground around it, size x size RGB; the whole picture if nothing stands
/// out, or a square from its middle. What would lie outside the picture repeats its rim.
image::Image crop_to_object(const image::Image& picture, int size);

}  // namespace invokeai::drawer
