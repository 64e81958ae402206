#include "nn/clip_text.h"

#include "nn/internal/clip_layer.h"

namespace invokeai::nn {

ClipText::ClipText(const ClipTextConfig& config)
    : config_(config),
      token_embedding_(config.vocab_size, config.hidden_size),
      position_embedding_(config.max_positions, config.hidden_size),
      final_norm_(config.hidden_size, config.eps) {
  add("text_model.embeddings.token_embedding", token_embedding_);
  add("text_model.embeddings.position_embedding", position_embedding_);
  for (std::int64_t i = 0; i < config.layers; ++i) {
    layers_.push_back(std::make_unique<ClipLayer>(
        ClipLayerShape{config.hidden_size, config.intermediate_size, config.heads,
                       config.activation, config.eps, /*causal=*/true}));
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
