#pragma once
// UNet2DConditionModel (Rombach 2022) as Stable Diffusion 1.x, 2.x, their 9-channel inpainting forms
// and SDXL use it. Generation spec 15.1; tensor names of diffusers.

#include <map>
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

/// Keys and values that the cross-attention layers make of one context: filled by the first forward
/// pass it is handed to, read by all later ones, which must have the same context and type.
struct ContextKeys {
  struct Layer {
    at::Tensor k, v;  // [B,S,heads*d]
  };
  std::map<const Module*, Layer> layers;  ///< by the attention they belong to
};

/// What the deeper part of the network made of one evaluation, for the next ones to take instead of
/// computing it (Ma 2023, "DeepCache").
struct DeepFeatures {
  at::Tensor map;      ///< [B,C,h,w], what enters the last but one block of the way up
  bool reuse = false;  ///< take it where it is defined, else make it
};

/// What an evaluation of the UNet can be helped by; all may be null.
struct UNetHelp {
  const SizeCondition* size = nullptr;
  AttentionControl* control = nullptr;  ///< sees every attention of the transformer blocks
  ContextKeys* keys = nullptr;
  DeepFeatures* deep = nullptr;
};

class UNet : public Module {
 public:
  explicit UNet(const UNetConfig& config);
  ~UNet() override;

  /// sample    [B,in,h,w] noisy latents, scaled for the model
  /// timesteps [B] f32, 0..999, may be fractional
  /// context   [B,S,cross_attention_dim] encoded prompt
  /// Result: [B,out,h,w], the model's prediction (noise or velocity), in the type of the weights.
  at::Tensor forward(const at::Tensor& sample, const at::Tensor& timesteps,
                     const at::Tensor& context, const UNetHelp& help = {}) const;

  /// The keys and values of a context [B,S,cross_attention_dim], without an evaluation. No block
  /// may be streamed.
  ContextKeys keys_of(const at::Tensor& context) const;

  /// The blocks whose weights may come and go (`stream`), in the order they run. The rest, a
  /// thousandth of all, stays.
  std::vector<Module*> blocks() const;
  /// From now on these blocks, without weights so far, get theirs from `source` for each time they
  /// run; the others keep theirs. The source must outlive this network.
  void stream(std::vector<Module*> blocks, WeightSource& source);

  const UNetConfig& config() const { return config_; }

 private:
  struct Level;
  struct Run;
  class Transformer;

  at::Tensor time_embedding(const at::Tensor& timesteps, at::ScalarType dtype,
                            const SizeCondition* size) const;
  void add_level(Level& level, const std::string& prefix, const std::string& resize_name);
  at::Tensor go_down(Run& run, at::Tensor x) const;
  at::Tensor go_up(Run& run, at::Tensor x, std::size_t first_level, std::size_t first_block) const;
  at::Tensor block(Run& run, const Level& level, std::size_t j, at::Tensor x) const;
  at::Tensor from_deep_features(Run& run, at::Tensor x) const;

  UNetConfig config_;
  Conv2d conv_in_;
  Linear time_linear1_, time_linear2_;
  std::unique_ptr<Linear> size_linear1_, size_linear2_;
  std::vector<std::unique_ptr<Level>> down_, up_;
  std::unique_ptr<Level> middle_;
  GroupNorm norm_out_;
  Conv2d conv_out_;
  std::vector<Module*> streamed_;
  WeightSource* source_ = nullptr;
};

}  // namespace invokeai::nn
