// An engine without networks. What it paints depends on prompt, seed and size, so tests can tell
// pictures apart, and everything around the engine behaves as with the real one.

#include <algorithm>
#include <filesystem>
#include <functional>
#include <random>
#include <thread>

#include "base/seeds.h"
#include "image/color_correct.h"
#include "image/convert.h"
#include "image/word_mask.h"
#include "pipeline/engine.h"
#include "pipeline/found_mask.h"
#include "pipeline/recommended.h"
#include "pipeline/sizes.h"

namespace invokeai::pipeline {
namespace {

constexpr int kFakeSize = 64;  // pixels, the "native" size

/// Vertical and horizontal stripes whose colours and widths come from prompt and seed.
image::Image paint(const std::string& prompt, std::uint32_t seed, int width, int height) {
  std::seed_seq source(prompt.begin(), prompt.end());
  std::vector<std::uint32_t> words(4);
  source.generate(words.begin(), words.end());
  std::mt19937 random(words[0] ^ seed);
  std::uint8_t colours[2][3];
  for (auto& colour : colours)
    for (auto& channel : colour) channel = static_cast<std::uint8_t>(random());
  const int stripe = 4 + static_cast<int>(random() % 12);
  image::Image picture(width, height, 3);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      std::copy_n(colours[(x / stripe + y / stripe) % 2], 3, picture.at(x, y));
  return picture;
}

class FakeEngine final : public Engine {
 public:
  FakeEngine(const EngineOptions& options, std::chrono::milliseconds step_time)
      : step_time_(step_time) {
    model_.recommended = read_recommended(options.model_path).value_or(SettingValues());
    model_.path = options.model_path;
    model_.name = std::filesystem::path(options.model_path).filename().string();
    if (model_.name.empty()) model_.name = "fake";
    model_.kind = "fake";
    model_.prediction = "epsilon";
    model_.native_width = model_.native_height = kFakeSize;
    model_.device = "cpu";
    model_.precision = "float32";
    model_.device_reason = "the fake engine paints without networks";
  }

  const ModelInfo& model() const override { return model_; }

  Result<Outcome> generate(const GenerationRequest& request, const GenerationCallbacks& callbacks,
                           const CancelToken& cancel) override {
    TRY_VOID(validate(request));
    TRY_ASSIGN(const auto found, with_found_mask(*this, request));
    if (found) return generate(*found, callbacks, cancel);
    const auto [width, height] = size_of(request);
    std::uint32_t seed = request.seed ? *request.seed : random_seed();
    for (int skipped = 0; skipped < request.first_picture; ++skipped) seed = next_seed(seed);
    for (int picture = request.first_picture; picture < request.iterations; ++picture) {
      const auto start = std::chrono::steady_clock::now();
      for (int step = 1; step <= request.steps; ++step) {
        if (cancel.cancelled()) return Outcome::cancelled;
        std::this_thread::sleep_for(step_time_);
        if (callbacks.on_step)
          callbacks.on_step({picture, request.iterations, step, request.steps,
                             999.0 * (request.steps - step) / request.steps,
                             preview(request, seed, {width, height}, step)});
      }
      const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
      image::Image painted = paint(request.prompt, seed, width, height);
      if (request.init_color) painted = image::match_colors(painted, *request.init_color);
      TRY_VOID(callbacks.on_image({std::move(painted), picture, seed, spent.count(), width, height,
                                   seed, request.variations}));
      seed = next_seed(seed);
    }
    return Outcome::completed;
  }

  /// Whatever the words, it is the light parts they mean; only "nothing" is nowhere.
  Result<image::Image> find_words(const image::Image& picture, const std::string& words) override {
    image::Image heat = image::with_channels(image::word_input(picture), 1);
    if (words == "nothing") heat = image::Image(heat.width, heat.height, 1);
    return heat;
  }

 private:
  static std::optional<image::Image> preview(const GenerationRequest& request, std::uint32_t seed,
                                             Size size, int step) {
    if (request.preview_every < 1 || step % request.preview_every != 0) return std::nullopt;
    const int scale = request.full_previews ? 1 : 8;
    return paint(request.prompt, seed, size.width / scale, size.height / scale);
  }

  Size size_of(const GenerationRequest& request) const {
    const Size asked{request.width > 0 ? request.width : model_.native_width,
                     request.height > 0 ? request.height : model_.native_height};
    if (request.canvas) return {request.canvas->box.width, request.canvas->box.height};
    if (!request.init) return asked;
    const image::Image& init = request.init->picture;
    Size start{init.width, init.height};
    if (const auto grown = image::outcropped(init, request.outpaint.outcrop))
      start = {grown->width, grown->height};
    return init_size(start, request.init->fit, asked);
  }

  ModelInfo model_;
  std::chrono::milliseconds step_time_;
};

}  // namespace

std::unique_ptr<Engine> make_fake_engine(const EngineOptions& options,
                                         std::chrono::milliseconds step_time) {
  return std::make_unique<FakeEngine>(options, step_time);
}

}  // namespace invokeai::pipeline
