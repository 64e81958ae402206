#pragma once
// One batch of pictures on its way: what every way to make a picture (ways.h) is built from.

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "models/load_model.h"
#include "pipeline/engine.h"
#include "pipeline/guidance.h"
#include "pipeline/internal/latent_codec.h"
#include "pipeline/internal/picture_noise.h"
#include "pipeline/latent_rules.h"
#include "pipeline/model_memory.h"
#include "pipeline/sizes.h"
#include "sampling/samplers.h"

namespace invokeai::pipeline {

/// What all pictures of one request share.
struct Order {
  const GenerationRequest& request;
  const GenerationCallbacks& callbacks;
  const CancelToken& cancel;
  models::Networks& networks;
  ModelMemory& memory;
  const sampling::NoiseSchedule& schedule;
  const DeviceChoice& choice;
  StepGraphs& graphs;
  bool tune = false;  ///< convolutions are tuned for the steps
  std::string model;  ///< path of its files, for messages
  std::function<Conditioning(int steps)> encode;  ///< the prompt, laid out over that many steps
  Size size;     ///< as asked for, the model's own where nothing was
  int native = 512;  ///< side of the model's own pictures, pixels
  int done = 0;  ///< pictures finished, those before the request's first_picture too
  bool told = false;  ///< the prompt's messages were given
  std::map<int, Conditioning> encoded = {};  ///< what `encode` gave already
  /// Draws and delivers one picture in float32, in place of one that overflowed; empty: this is it.
  std::function<Result<Outcome>(const PictureSeed&)> redraw = {};

  /// Tells the messages of the prompt the first time.
  const Conditioning& conditioning(int steps);

  void tell(const std::string& message) const {
    if (callbacks.on_message) callbacks.on_message(message);
  }
};

/// One run of a sampler over the batch.
struct Pass {
  sampling::Plan plan;
  at::Tensor noise;    ///< [B,4,h,w] f32, unit variance
  at::Tensor latents;  ///< [B,4,h,w] f32, clean, to start from; undefined: from noise alone
  at::Tensor repaint;  ///< [1,1,h,w] f32, 1 where the picture may change; undefined: everywhere
  at::Tensor kept;     ///< [B,4,h,w] f32, clean latents of what stays; goes with `repaint`
  /// [B,5,h,w] f32, what an inpainting model sees besides: `repaint` and the kept picture's latents;
  /// undefined: nothing is kept. Where it is there, the model blends by itself.
  at::Tensor surroundings;
  bool mirror = false;  ///< the request's symmetry applies
};

class Batch {
 public:
  Batch(Order& order, std::vector<PictureSeed> seeds);

  const Order& order() const { return order_; }
  const GenerationRequest& request() const { return order_.request; }
  int count() const { return static_cast<int>(seeds_.size()); }
  PictureNoise& noise() { return noise_; }
  /// Of picture i, before variations.
  std::uint32_t seed(int i) const { return seeds_[static_cast<std::size_t>(i)].base; }
  /// Starts all random numbers anew, from seeds `offset` above those of the pictures.
  void move_seeds(int offset);
  /// 2.3.0 had drawn the noise of text to image before it looked at a picture (generation spec
  /// 1.3); so does this.
  void skip_text_to_image() { noise_.plain(latent_shape(order_.size), device()); }
  at::Device device() const { return order_.choice.device; }
  bool inpainting_model() const { return order_.networks.unet->config().in_channels == 9; }

  /// {4, height / 8, width / 8}
  std::vector<std::int64_t> latent_shape(Size size) const;

  /// A pass over the last `strength` of the request's schedule (of other `steps` where given), its
  /// tensors still to be filled in.
  Result<Pass> pass(double strength, std::optional<int> steps = {}) const;

  /// Network evaluations of all passes together, so that progress tells the true total. Called
  /// before the first pass.
  void expect(int evaluations) { evaluations_ = evaluations; }

  /// Latents [B,4,h,w] f32, sampled with each picture's own noise.
  ///   pixels  one for each picture or one for all, [1,3,H,W] f32 in [-1,1], sides multiples of 8
  Result<at::Tensor> encode(std::span<const at::Tensor> pixels);

  /// Runs a pass: denoised latents [B,4,h,w], or nothing when the request was cancelled.
  std::optional<at::Tensor> denoise(const Pass& pass);

  /// Picture i of the batch as RGB; black where its numbers overflowed and `deliver` will draw it
  /// again.
  Result<image::Image> decode(const at::Tensor& latents, int i);

  /// The time since the last call (or picture) was spent on all pictures together.
  void share_time();
  /// Hands picture i to the caller, in order; one that overflowed in any pass is drawn again in
  /// float32 instead.
  Result<Outcome> deliver(int i, image::Image picture);
  /// Decodes and delivers all pictures.
  Result<Outcome> deliver_all(const at::Tensor& latents);

 private:
  void report(const sampling::StepState& state);
  image::Image preview(const at::Tensor& clean_latents);
  LatentRules latent_rules(const Pass& pass) const;

  using Clock = std::chrono::steady_clock;
  Order& order_;
  std::vector<PictureSeed> seeds_;
  PictureNoise noise_;
  LatentCodec codec_;
  std::vector<AttentionRecorder> recorders_;  // of the last pass, when maps are asked for
  std::vector<bool> overflowed_;              // of each picture, in any pass so far
  int evaluations_ = 0;       // of all passes
  int evaluations_done_ = 0;  // in passes already run
  Clock::time_point mark_ = Clock::now();  // end of what was already counted
  double shared_seconds_ = 0;              // of each picture, spent on all of them together
};

}  // namespace invokeai::pipeline
