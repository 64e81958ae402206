#pragma once
// UNet2DConditionModel (Rombach 2022) as Stable Diffusion 1.x, 2.x, their 9-channel inpainting forms
// and SDXL use it. Generation spec 15.1; tensor names of diffusers.

#include <memory>
#include <optional>
#include <vector>

#include "nn/attention_control.h"
#include "nn/configs.h"
#include "nn/layers.h"

namespace invokeai::nn {

/// SDXL's extra conditioning.
struct SizeCondition {
  at::Tensor pooled_text;  ///< [B,1280]
  at::Tensor time_ids;     ///< [B,6] f32: original height, width, crop top, left, target height, width
};

class UNet : public Module {
 public:
  explicit UNet(const UNetConfig& config);
  ~UNet() override;

  /// sample    [B,in,h,w] noisy latents, scaled for the model
  /// timesteps [B] f32, 0..999, may be fractional
  /// context   [B,S,cross_attention_dim] encoded prompt
  /// control   sees every attention, self and cross, of the transformer blocks; may be null
  /// Result: [B,out,h,w], the model's prediction (noise or velocity), in the type of the weights.
  at::Tensor forward(const at::Tensor& sample, const at::Tensor& timesteps,
                     const at::Tensor& context, const SizeCondition* size = nullptr,
                     AttentionControl* control = nullptr) const;

  const UNetConfig& config() const { return config_; }

 private:
  struct Level;
  class Transformer;

  at::Tensor time_embedding(const at::Tensor& timesteps, at::ScalarType dtype,
                            const SizeCondition* size) const;
  void add_level(Level& level, const std::string& prefix, const std::string& resize_name);

  UNetConfig config_;
  Conv2d conv_in_;
  Linear time_linear1_, time_linear2_;
  std::unique_ptr<Linear> size_linear1_, size_linear2_;
  std::vector<std::unique_ptr<Level>> down_, up_;
  std::unique_ptr<Level> middle_;
  GroupNorm norm_out_;
  Conv2d conv_out_;
};

}  // namespace invokeai::nn
