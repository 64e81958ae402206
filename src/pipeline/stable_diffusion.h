#pragma once
// The engine: one loaded Stable Diffusion model that turns requests into pictures.

#include <memory>

#include "models/load_model.h"
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
  StableDiffusion(models::Networks networks, text::ClipTokenizer tokenizer,
                  sampling::NoiseSchedule schedule, DeviceChoice choice);

  struct Run;
  Result<Outcome> draw_batch(Run& run, const std::vector<std::uint32_t>& seeds);
  at::Tensor start_noise(const Run& run, sampling::BatchNoise& noise) const;
  Result<at::Tensor> decode(const Run& run, const at::Tensor& latents);

  models::Networks networks_;
  text::ClipTokenizer tokenizer_;
  sampling::NoiseSchedule schedule_;
  DeviceChoice choice_;
  ModelInfo info_;
};

}  // namespace invokeai::pipeline
