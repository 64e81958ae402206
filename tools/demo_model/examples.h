#pragma once
// Painted scenes, encoded once and said in other words each time they are used.

#include "demo_model/diffusion.h"
#include "drawer/random.h"
#include "drawer/scene.h"
#include "nn/vae.h"
#include "text/clip_tokenizer.h"

namespace invokeai::demo {

class Examples {
 public:
  /// Paints and encodes `options.cache` scenes of all kinds and `options.portraits` of one thing,
  /// on so many threads, or reads what an earlier sitting with the same autoencoder, seed and style
  /// encoded.
  static Result<Examples> prepare(const nn::Vae& vae, const text::ClipTokenizer& tokenizer,
                                  const TrainOptions& options, int threads);

  /// `count` examples. 15 % of the captions are left out; 30 % of the rest have an overshoot up to
  /// `options.overshoot`. Their timesteps are spread, see spread_timesteps.
  Example draw(int count, drawer::Random& random) const;

  /// Standard deviation of the latents as the UNet sees them.
  double deviation() const { return deviation_; }

  std::size_t size() const { return scenes_.size(); }

 private:
  Examples(const nn::Vae& vae, const text::ClipTokenizer& tokenizer, const TrainOptions& options)
      : vae_(vae), tokenizer_(tokenizer), options_(options) {}

  /// Appends these scenes, read from the file of this name or encoded and kept there.
  Result<> add(const std::string& name, const std::vector<drawer::Scene>& scenes, int threads);
  at::Tensor encode(const std::vector<drawer::Scene>& scenes, int threads) const;
  at::Tensor draw_surroundings(const std::vector<std::int64_t>& picks,
                               drawer::Random& random) const;

  const nn::Vae& vae_;
  const text::ClipTokenizer& tokenizer_;
  const TrainOptions& options_;
  std::vector<drawer::Scene> scenes_;  // as captions say them
  at::Tensor moments_;                 // [N,2*latent,h,w] bf16: mean, log-variance
  double deviation_ = 0;
};

}  // namespace invokeai::demo
