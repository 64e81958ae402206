#pragma once
// The engine: one loaded Stable Diffusion model that turns requests into pictures.

#include <memory>
#include <optional>
#include <string_view>

#include "models/load_model.h"
#include "pipeline/conditioning.h"
#include "pipeline/device.h"
#include "pipeline/engine.h"
#include "sampling/noise.h"
#include "sampling/samplers.h"
#include "text/clip_tokenizer.h"
#include "text/prompt_parser.h"

namespace invokeai::pipeline {

class StableDiffusion : public Engine {
 public:
  /// Loads the model named in the options. Errors: see models::load_networks and choose_device.
  static Result<std::unique_ptr<StableDiffusion>> open(const EngineOptions& options);

  const ModelInfo& model() const override { return info_; }
  Result<Outcome> generate(const GenerationRequest& request, const GenerationCallbacks& callbacks,
                           const CancelToken& cancel) override;

 private:
  StableDiffusion(EngineOptions options, models::Networks networks, text::ClipTokenizer tokenizer,
                  sampling::NoiseSchedule schedule, DeviceChoice choice);

  struct Run;
  Result<Outcome> draw_batch(Run& run, const std::vector<std::uint32_t>& seeds);
  sampling::SampleResult denoise(const Run& run, const std::vector<std::uint32_t>& seeds) const;
  Result<std::optional<at::Tensor>> draw_in_float32(Run& run, std::uint32_t seed);
  Conditioning encode(const text::ParsedPrompt& prompt) const;
  Result<> ensure_finite_conditioning(Run& run);
  Result<> ensure_exact(Run& run, std::string_view what);
  at::Tensor start_noise(const Run& run, sampling::BatchNoise& noise) const;
  at::Tensor predict(const Run& run, const at::Tensor& model_input, double timestep) const;
  Result<at::Tensor> decode(const Run& run, const at::Tensor& latents);

  EngineOptions options_;  // as opened, to load the model once more
  models::Networks networks_;
  text::ClipTokenizer tokenizer_;
  sampling::NoiseSchedule schedule_;
  DeviceChoice choice_;
  ModelInfo info_;
};

}  // namespace invokeai::pipeline
