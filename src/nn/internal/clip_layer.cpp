#include "nn/internal/clip_layer.h"

namespace invokeai::nn {

ClipLayer::ClipLayer(const ClipLayerShape& shape)
    : heads_(shape.heads),
      quick_(shape.activation == "quick_gelu"),
      causal_(shape.causal),
      q_(shape.hidden_size, shape.hidden_size),
      k_(shape.hidden_size, shape.hidden_size),
      v_(shape.hidden_size, shape.hidden_size),
      out_(shape.hidden_size, shape.hidden_size),
      norm1_(shape.hidden_size, shape.eps),
      norm2_(shape.hidden_size, shape.eps),
      fc1_(shape.hidden_size, shape.intermediate_size),
      fc2_(shape.intermediate_size, shape.hidden_size) {
  add("self_attn.q_proj", q_);
  add("self_attn.k_proj", k_);
  add("self_attn.v_proj", v_);
  add("self_attn.out_proj", out_);
  add("layer_norm1", norm1_);
  add("layer_norm2", norm2_);
  add("mlp.fc1", fc1_);
  add("mlp.fc2", fc2_);
}

at::Tensor ClipLayer::forward(const at::Tensor& x) const {
  const at::Tensor n = norm1_.forward(x);
  const at::Tensor attended =
      attention(q_.forward(n), k_.forward(n), v_.forward(n), heads_, causal_);
  const at::Tensor y = x + out_.forward(attended);
  const at::Tensor h = fc1_.forward(norm2_.forward(y));
  return y + fc2_.forward(quick_ ? h * (h * 1.702).sigmoid() : at::gelu(h));
}

}  // namespace invokeai::nn
