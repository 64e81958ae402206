#pragma once
// The CLIP text encoder (Radford 2021) as Stable Diffusion uses it: CLIP ViT-L/14 in SD 1.x,
// OpenCLIP ViT-H/14 in SD 2.x; tensor names of transformers' CLIPTextModel.

#include <memory>
#include <vector>

#include "nn/configs.h"
#include "nn/layers.h"

namespace invokeai::nn {

class ClipLayer;

class ClipText : public Module {
 public:
  explicit ClipText(const ClipTextConfig& config);
  ~ClipText() override;

  /// ids [B,S] i64, S <= max_positions  ->  [B,S,hidden], after the final norm.
  at::Tensor forward(const at::Tensor& ids) const;
  /// Input of the last layer, without the final norm: what SDXL uses. [B,S,hidden]
  at::Tensor penultimate(const at::Tensor& ids) const;

  const ClipTextConfig& config() const { return config_; }
  Embedding& token_embedding() { return token_embedding_; }

 private:
  at::Tensor run_layers(const at::Tensor& ids, std::size_t count) const;

  ClipTextConfig config_;
  Embedding token_embedding_, position_embedding_;
  std::vector<std::unique_ptr<ClipLayer>> layers_;
  LayerNorm final_norm_;
};

}  // namespace invokeai::nn
