#pragma once
// The bundled model, drawing for tests that judge pictures by measuring them.

#include <gtest/gtest.h>

#include <cmath>

#include "drawer/measure.h"
#include "drawer/paint.h"
#include "pipeline/stable_diffusion.h"

namespace invokeai::pipeline {

/// Loaded once a program, in f32 on the CPU.
inline StableDiffusion& demo() {
  static const auto engine = StableDiffusion::open(
      {.model_path = INVOKEAI_SOURCE_ROOT "/models/demo", .device = "cpu", .precision = "float32"});
  if (!engine) throw std::runtime_error(engine.error().text());
  return **engine;
}

struct Drawn {
  std::vector<GeneratedImage> pictures;
  std::vector<StepProgress> steps;
  std::vector<std::string> messages;
  Result<Outcome> outcome = Outcome::completed;
};

/// `cancel_at`: cancels during that step (1-based), 0 never.
inline Drawn draw(const GenerationRequest& request, int cancel_at = 0) {
  Drawn drawn;
  const CancelToken cancel;
  const GenerationCallbacks callbacks{
      [&](const StepProgress& step) {
        drawn.steps.push_back(step);
        if (static_cast<int>(drawn.steps.size()) == cancel_at) cancel.cancel();
      },
      [&](GeneratedImage&& made) -> Result<> {
        drawn.pictures.push_back(std::move(made));
        return {};
      },
      [&](const std::string& text) { drawn.messages.push_back(text); }};
  drawn.outcome = demo().generate(request, callbacks, cancel);
  return drawn;
}

/// The only picture of a request that must succeed.
inline image::Image draw_one(const GenerationRequest& request) {
  Drawn drawn = draw(request);
  EXPECT_TRUE(drawn.outcome.has_value()) << drawn.outcome.error().text();
  EXPECT_EQ(drawn.pictures.size(), 1u);
  return drawn.pictures.empty() ? image::Image() : std::move(drawn.pictures.front().picture);
}

inline GenerationRequest request_for(const std::string& prompt, std::uint32_t seed = 42) {
  GenerationRequest request;
  request.prompt = prompt;
  request.seed = seed;
  request.steps = 12;
  request.sampler = "k_euler";
  request.cfg_scale = 2.5;  // what the model card advises
  return request;
}

/// The same with a picture to start from.
inline GenerationRequest request_on(image::Image picture, const std::string& prompt,
                                    double strength) {
  GenerationRequest request = request_for(prompt);
  request.init = InitImage{.picture = std::move(picture), .strength = strength};
  return request;
}

/// The model's size.
inline constexpr int kSide = 256;

/// A length told as that of a picture 128 pixels wide, in pixels of the model's size.
constexpr int px(int length) { return length * kSide / 128; }

/// A red circle on a white ground, left of the centre, as the model was taught it.
inline const image::Image& red_circle() {
  static const image::Image picture = drawer::paint(
      {.background = drawer::Color::white,
       .objects = {{.shape = drawer::Shape::circle, .color = drawer::Color::red, .cx = 0.35f}}},
      kSide);
  return picture;
}

/// Mean of one channel, 0..255, over a rectangle.
inline double mean(const image::Image& picture, int channel, int left, int top, int right,
                   int bottom) {
  double sum = 0;
  for (int y = top; y < bottom; ++y)
    for (int x = left; x < right; ++x) sum += picture.at(x, y)[channel];
  return sum / ((right - left) * (bottom - top));
}

/// Mean difference of two pictures of one size, in levels 0..255.
inline double distance(const image::Image& a, const image::Image& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

}  // namespace invokeai::pipeline
