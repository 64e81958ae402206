#pragma once
// The transformer layer of CLIP's text and picture towers (Radford 2021).

#include <string>

#include "nn/layers.h"

namespace invokeai::nn {

struct ClipLayerShape {
  std::int64_t hidden_size = 768;
  std::int64_t intermediate_size = 3072;
  std::int64_t heads = 12;
  std::string activation = "quick_gelu";  ///< quick_gelu or gelu
  double eps = 1e-5;
  bool causal = false;  ///< position i sees 0..i alone
};

/// One pre-norm layer: x += attention(norm1 x); x += mlp(norm2 x).
class ClipLayer : public Module {
 public:
  explicit ClipLayer(const ClipLayerShape& shape);
  at::Tensor forward(const at::Tensor& x) const;  // [B,S,hidden] -> same

 private:
  std::int64_t heads_;
  bool quick_, causal_;
  Linear q_, k_, v_, out_;
  LayerNorm norm1_, norm2_;
  Linear fc1_, fc2_;
};

}  // namespace invokeai::nn
