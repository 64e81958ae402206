#pragma once
// The engine: one loaded Stable Diffusion model that turns requests into pictures.

#include <memory>

#include "models/load_model.h"
#include "pipeline/conditioning.h"
#include "pipeline/device.h"
#include "pipeline/engine.h"
#include "pipeline/model_memory.h"
#include "pipeline/step_graph.h"
#include "pipeline/word_finder.h"
#include "sampling/noise.h"
#include "sampling/samplers.h"
#include "text/clip_tokenizer.h"
#include "text/prompt_parser.h"

namespace invokeai::pipeline {

struct Order;

class StableDiffusion : public Engine {
 public:
  /// Loads the model named in the options. Errors: see models::load_networks and choose_device.
  static Result<std::unique_ptr<StableDiffusion>> open(const EngineOptions& options);

  const ModelInfo& model() const override { return info_; }
  Result<Outcome> generate(const GenerationRequest& request, const GenerationCallbacks& callbacks,
                           const CancelToken& cancel) override;
  /// Loads the network for it the first time, on the CPU.
  Result<image::Image> find_words(const image::Image& picture, const std::string& words) override;

  std::int64_t weight_bytes() const override { return memory_.kept(); }
  void share_memory_with(std::int64_t others) override { options_.others = others; }

  /// Steps are recorded by this one from now on; until then by the device's own.
  void record_with(std::unique_ptr<WorkRecorder> recorder) {
    graphs_.set_recorder(std::move(recorder));
  }

 private:
  StableDiffusion(EngineOptions options, models::Networks networks, text::ClipTokenizer tokenizer,
                  sampling::NoiseSchedule schedule, DeviceChoice choice, std::int64_t program);

  class Request;
  Order make_order(const GenerationRequest& request, const GenerationCallbacks& callbacks,
                   const CancelToken& cancel);
  /// Brings what a picture of the model's own size needs, so that the first one does not wait.
  void load_ahead();
  /// Chooses what a request gets of the memory, no faster than `first`, and adopts it. Steps are
  /// recorded where that fits, too.
  void plan_memory_for(const GenerationRequest& request, Thrift first);
  Conditioning encode(const text::ParsedPrompt& prompt, const GenerationRequest& request,
                      int steps);

  EngineOptions options_;  // as opened, to load the model once more
  models::Networks networks_;
  text::ClipTokenizer tokenizer_;
  sampling::NoiseSchedule schedule_;
  DeviceChoice choice_;
  ModelMemory memory_;
  StepGraphs graphs_;  // reads the weights of the UNet
  ModelInfo info_;
  /// The prompt encoded last, as drawing it again needs no text encoder.
  struct {
    std::string key;
    Conditioning conditioning;
  } encoded_;
  std::unique_ptr<WordFinder> word_finder_;  // kept once loaded
};

}  // namespace invokeai::pipeline
