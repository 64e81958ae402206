#pragma once
// The demo model as tests use it: prompts to pictures, and what can be measured in them.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "pipeline/stable_diffusion.h"

namespace invokeai::pipeline::testing {

/// The model, loaded once a program, in f32 on the CPU.
inline Engine& demo_engine() {
  static const std::unique_ptr<StableDiffusion> engine =
      StableDiffusion::open({.model_path = INVOKEAI_SOURCE_ROOT "/models/demo",
                             .device = "cpu",
                             .precision = "float32"})
          .value();
  return *engine;
}

/// Everything about a request but prompt and seed: 12 steps of k_dpmpp_2 at the model's own size.
inline GenerationRequest demo_request(const std::string& prompt, std::uint32_t seed) {
  GenerationRequest request;
  request.prompt = prompt;
  request.seed = seed;
  request.steps = 12;
  request.sampler = "k_dpmpp_2";
  return request;
}

inline std::vector<GeneratedImage> draw(const GenerationRequest& request) {
  std::vector<GeneratedImage> made;
  GenerationCallbacks callbacks;
  callbacks.on_image = [&](GeneratedImage&& image) -> Result<> {
    made.push_back(std::move(image));
    return {};
  };
  const auto outcome = demo_engine().generate(request, callbacks, {});
  EXPECT_TRUE(outcome.has_value()) << outcome.error().text();
  return made;
}

inline image::Image draw(const std::string& prompt, std::uint32_t seed) {
  return draw(demo_request(prompt, seed)).at(0).picture;
}

using Pixel = std::array<double, 3>;

inline double distance(const Pixel& a, const Pixel& b) {
  return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

inline Pixel pixel(const image::Image& picture, int x, int y) {
  const std::uint8_t* p = picture.at(x, y);
  return {double(p[0]), double(p[1]), double(p[2])};
}

/// The middle colour, channel by channel, of all pixels for which `wanted(x, y)` holds.
template <class Wanted>
Pixel median_color(const image::Image& picture, Wanted wanted) {
  std::array<std::vector<double>, 3> values;
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x) {
      if (!wanted(x, y)) continue;
      const Pixel p = pixel(picture, x, y);
      for (std::size_t c = 0; c < 3; ++c) values[c].push_back(p[c]);
    }
  Pixel median{};
  for (std::size_t c = 0; c < 3 && !values[c].empty(); ++c) {
    const auto middle = values[c].begin() + static_cast<std::ptrdiff_t>(values[c].size() / 2);
    std::ranges::nth_element(values[c], middle);
    median[c] = *middle;
  }
  return median;
}

/// The colour behind the object: that of the rim.
inline Pixel ground_color(const image::Image& picture) {
  const int rim = std::max(1, picture.width / 20);
  return median_color(picture, [&](int x, int y) {
    return std::min({x, y, picture.width - 1 - x, picture.height - 1 - y}) < rim;
  });
}

/// Which pixels differ clearly from the ground, row by row.
inline std::vector<bool> outline(const image::Image& picture) {
  const Pixel ground = ground_color(picture);
  std::vector<bool> inside;
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x)
      inside.push_back(distance(pixel(picture, x, y), ground) > 60);
  return inside;
}

/// Share of the picture that the object covers.
inline double covered(const std::vector<bool>& inside) {
  return double(std::ranges::count(inside, true)) / double(inside.size());
}

}  // namespace invokeai::pipeline::testing
