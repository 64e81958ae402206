#include "nn/clip_text.h"

namespace invokeai::nn {

/// One pre-norm transformer layer: x += attention(norm1 x); x += mlp(norm2 x).
class ClipText::Layer : public Module {
 public:
  explicit Layer(const ClipTextConfig& c)
      : heads_(c.heads),
        quick_(c.activation == "quick_gelu"),
        q_(c.hidden_size, c.hidden_size),
        k_(c.hidden_size, c.hidden_size),
        v_(c.hidden_size, c.hidden_size),
        out_(c.hidden_size, c.hidden_size),
        norm1_(c.hidden_size, c.eps),
        norm2_(c.hidden_size, c.eps),
        fc1_(c.hidden_size, c.intermediate_size),
        fc2_(c.intermediate_size, c.hidden_size) {
    add("self_attn.q_proj", q_);
    add("self_attn.k_proj", k_);
    add("self_attn.v_proj", v_);
    add("self_attn.out_proj", out_);
    add("layer_norm1", norm1_);
    add("layer_norm2", norm2_);
    add("mlp.fc1", fc1_);
    add("mlp.fc2", fc2_);
  }

  at::Tensor forward(const at::Tensor& x) const {  // [B,S,hidden]
    const at::Tensor n = norm1_.forward(x);
    const at::Tensor attended =
        attention(q_.forward(n), k_.forward(n), v_.forward(n), heads_, /*causal=*/true);
    const at::Tensor y = x + out_.forward(attended);
    const at::Tensor h = fc1_.forward(norm2_.forward(y));
    return y + fc2_.forward(quick_ ? h * (h * 1.702).sigmoid() : at::gelu(h));
  }

 private:
  std::int64_t heads_;
  bool quick_;
  Linear q_, k_, v_, out_;
  LayerNorm norm1_, norm2_;
  Linear fc1_, fc2_;
};

ClipText::ClipText(const ClipTextConfig& config)
    : config_(config),
      token_embedding_(config.vocab_size, config.hidden_size),
      position_embedding_(config.max_positions, config.hidden_size),
      final_norm_(config.hidden_size, config.eps) {
  add("text_model.embeddings.token_embedding", token_embedding_);
  add("text_model.embeddings.position_embedding", position_embedding_);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    layers_.push_back(std::make_unique<Layer>(config));
    add("text_model.encoder.layers." + std::to_string(i), *layers_.back());
  }
  add("text_model.final_layer_norm", final_norm_);
}

ClipText::~ClipText() = default;

at::Tensor ClipText::run_layers(const at::Tensor& ids, std::size_t count) const {
  TORCH_CHECK(ids.dim() == 2 && ids.size(1) <= config_.max_positions, "ids must be [B,S<=",
              config_.max_positions, "], got ", ids.sizes());
  const at::Tensor positions = at::arange(ids.size(1), ids.options());
  at::Tensor x = token_embedding_.forward(ids) + position_embedding_.forward(positions);
  for (std::size_t i = 0; i < count; ++i) x = layers_[i]->forward(x);
  return x;
}

at::Tensor ClipText::forward(const at::Tensor& ids) const {
  return final_norm_.forward(run_layers(ids, layers_.size()));
}

at::Tensor ClipText::penultimate(const at::Tensor& ids) const {
  return run_layers(ids, layers_.size() - 1);
}

}  // namespace invokeai::nn
