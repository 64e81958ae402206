#pragma once
// Drawing with the real engine: requests, everything it reports, and how near two pictures are.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/file.h"
#include "pipeline/stable_diffusion.h"

namespace invokeai::pipeline::testing {

/// A folder of its own, removed at the end.
class Scratch {
 public:
  Scratch() {
    std::string folder = (fs::temp_directory_path() / "engine-XXXXXX").string();
    path_ = ::mkdtemp(folder.data());
  }
  ~Scratch() { fs::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const fs::path& path() const { return path_; }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

inline fs::path demo_model() { return fs::path(INVOKEAI_SOURCE_ROOT) / "models/demo"; }

/// On the CPU, which every machine has.
inline std::unique_ptr<Engine> open_engine(const fs::path& model, const std::string& precision) {
  auto engine = StableDiffusion::open(
      {.model_path = model.string(), .device = "cpu", .precision = precision});
  EXPECT_TRUE(engine) << (engine ? "" : engine.error().text());
  return engine ? std::move(*engine) : nullptr;
}

/// A few quick steps of the demo model.
inline GenerationRequest quick_request(const std::string& prompt, std::uint32_t seed = 42) {
  GenerationRequest request;
  request.prompt = prompt;
  request.seed = seed;
  request.steps = 3;
  request.sampler = "k_euler";
  request.width = request.height = 64;
  request.cfg_scale = 2.5;  // what the model card of the demo model advises
  return request;
}

struct Drawn {
  std::vector<GeneratedImage> pictures;
  std::vector<StepProgress> steps;
  std::vector<std::string> messages;
  Result<Outcome> outcome = Outcome::completed;

  std::vector<image::Image> images() const {
    std::vector<image::Image> all;
    for (const auto& made : pictures) all.push_back(made.picture);
    return all;
  }
};

/// Draws, and cancels when `cancel_at` steps were reported (0: before the start, -1: never).
inline Drawn draw(Engine& engine, const GenerationRequest& request, int cancel_at = -1) {
  Drawn drawn;
  const CancelToken cancel;
  if (cancel_at == 0) cancel.cancel();
  const GenerationCallbacks callbacks{
      [&](const StepProgress& step) {
        drawn.steps.push_back(step);
        if (static_cast<int>(drawn.steps.size()) == cancel_at) cancel.cancel();
      },
      [&](GeneratedImage&& made) -> Result<> {
        drawn.pictures.push_back(std::move(made));
        return {};
      },
      [&](const std::string& message) { drawn.messages.push_back(message); }};
  drawn.outcome = engine.generate(request, callbacks, cancel);
  return drawn;
}

/// The pictures alone; anything but success fails the test.
inline std::vector<image::Image> pictures(Engine& engine, const GenerationRequest& request) {
  const Drawn drawn = draw(engine, request);
  EXPECT_TRUE(drawn.outcome) << (drawn.outcome ? "" : drawn.outcome.error().text());
  EXPECT_EQ(static_cast<int>(drawn.pictures.size()), request.iterations);
  return drawn.images();
}

/// Peak signal to noise over all bytes, in dB; infinite for equal pictures.
inline double psnr(const image::Image& a, const image::Image& b) {
  EXPECT_EQ(a.pixels.size(), b.pixels.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const double difference = double(a.pixels[i]) - double(b.pixels[i]);
    sum += difference * difference;
  }
  return 10 * std::log10(255.0 * 255.0 * double(a.pixels.size()) / sum);
}

/// Standard deviation of the bytes: 0 for a picture of one grey.
inline double spread(const image::Image& picture) {
  double sum = 0, squares = 0;
  for (const std::uint8_t byte : picture.pixels) sum += byte, squares += double(byte) * byte;
  const double mean = sum / double(picture.pixels.size());
  return std::sqrt(squares / double(picture.pixels.size()) - mean * mean);
}

}  // namespace invokeai::pipeline::testing
