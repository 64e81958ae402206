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
  /// and `options.other_sizes` of both kinds in each of seven other sizes and shapes; on so many
  /// threads. What an earlier sitting with the same autoencoder, seed and style encoded is read.
  static Result<Examples> prepare(const nn::Vae& vae, const text::ClipTokenizer& tokenizer,
                                  const TrainOptions& options, int threads);

  /// `shares` times `count` examples for one step, all of one size. 15 % of the captions are left
  /// out; 30 % of the rest have an overshoot up to `options.overshoot`. The timesteps of a share
  /// are spread, see spread_timesteps. For inpainting a third are pairs with one of the two hidden:
  /// their captions tell of that one alone, so that the rest has to be seen.
  std::vector<Example> draw(int shares, int count, drawer::Random& random) const;

  /// Standard deviation of the latents as the UNet sees them.
  double deviation() const { return deviation_; }

  std::size_t size() const;

 private:
  /// Pictures of one size.
  struct Shelf {
    drawer::Extent extent;
    std::vector<drawer::Scene> scenes = {};  // as captions say them
    at::Tensor moments = {};                 // [N,2*latent,h,w] bf16: mean, log-variance
    std::vector<std::int64_t> pairs = {};    // the scenes of two things that stand apart
  };

  Examples(const nn::Vae& vae, const text::ClipTokenizer& tokenizer, const TrainOptions& options)
      : vae_(vae), tokenizer_(tokenizer), options_(options) {}

  /// Appends these scenes, read from the file of this name or encoded and kept there.
  Result<> add(Shelf& shelf, const std::string& name, const std::vector<drawer::Scene>& scenes,
               int threads) const;
  at::Tensor encode(const std::vector<drawer::Scene>& scenes, drawer::Extent extent,
                    int threads) const;
  Example draw_share(const Shelf& shelf, int count, drawer::Random& random) const;
  /// What is seen around the masks, [1,H,W] each, of the scenes that were picked.
  at::Tensor surroundings(const Shelf& shelf, const std::vector<std::int64_t>& picks,
                          const std::vector<at::Tensor>& masks) const;

  const nn::Vae& vae_;
  const text::ClipTokenizer& tokenizer_;
  const TrainOptions& options_;
  std::vector<Shelf> shelves_;  // the first has the model's own size
  double deviation_ = 0;
};

}  // namespace invokeai::demo
