#pragma once
// AutoencoderKL (Rombach 2022): pictures to latents an eighth of the size and back. Generation
// spec 15.2; tensor names of current diffusers.

#include <memory>
#include <vector>

#include "nn/configs.h"
#include "nn/layers.h"

namespace invokeai::nn {

/// Mean and log-variance of the latent distribution, each [B,latent,h,w].
struct LatentDistribution {
  at::Tensor mean;
  at::Tensor log_variance;  ///< clamped to [-30,20]
};

class Vae : public Module {
 public:
  explicit Vae(const VaeConfig& config);
  ~Vae() override;

  /// pixels [B,3,H,W] in [-1,1], H and W multiples of the scale -> latents not yet scaled.
  LatentDistribution encode(const at::Tensor& pixels) const;
  /// latents [B,latent,h,w], already divided by the scaling factor -> pixels about [-1,1].
  at::Tensor decode(const at::Tensor& latents) const;
  /// The same up to rounding, in half the memory and twice the time. `wrap` is what
  /// `set_wrap` set. latents [1,latent,h,w]. See nn/banded_decoder.h.
  at::Tensor decode_in_bands(const at::Tensor& latents, Wrap wrap = {}) const;

  /// The larger part of what `encode` and `decode` need, named "encoder" and "decoder" in the tree:
  /// each may be without weights while the other works.
  Module& encoder();
  Module& decoder();

  const VaeConfig& config() const { return config_; }
  /// Pixels per latent cell: 2^(levels-1), 8 for Stable Diffusion.
  std::int64_t scale() const { return std::int64_t{1} << (config_.block_channels.size() - 1); }

 private:
  class Encoder;
  class Decoder;
  at::Tensor decoder_input(const at::Tensor& latents) const;

  VaeConfig config_;
  std::unique_ptr<Encoder> encoder_;
  std::unique_ptr<Decoder> decoder_;
  Conv2d quant_conv_, post_quant_conv_;
};

}  // namespace invokeai::nn
