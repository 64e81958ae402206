#pragma once
// Pictures drawn by a formula, the same as in scripts/oracles/make_resize_golden.py.

#include "image/image.h"

namespace invokeai::image::testing {

inline Image noise_picture(int width, int height, int channels) {
  Image picture(width, height, channels);
  std::uint32_t state = static_cast<std::uint32_t>(width * 1009 + height * 31 + channels);
  for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
    state = state * 1664525u + 1013904223u;
    picture.pixels[i] = static_cast<std::uint8_t>(i % 5 != 0 ? state >> 24 : 255 * (state >> 31));
  }
  return picture;
}

/// A smooth picture, which lossy formats keep closely.
inline Image gradient_picture(int width, int height, int channels) {
  Image picture(width, height, channels);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        picture.at(x, y)[c] =
            static_cast<std::uint8_t>(c == 3 ? 255 : x * 155 / width + y * 50 * c / height);
  return picture;
}

}  // namespace invokeai::image::testing
