#include "nn/clipseg.h"

#include "nn/internal/clip_layer.h"

namespace invokeai::nn {
namespace {

/// Transposed convolution whose stride is its kernel: each pixel becomes a square. weight
/// [in,out,k,k].
class Enlarge : public Module {
 public:
  Enlarge(std::int64_t in, std::int64_t out, std::int64_t kernel) : kernel_(kernel) {
    add("weight", weight_, {in, out, kernel, kernel});
    add("bias", bias_, {out});
  }
  at::Tensor forward(const at::Tensor& x) const {  // [B,in,h,w] -> [B,out,k*h,k*w]
    return at::conv_transpose2d(x, weight_, bias_, kernel_);
  }

 private:
  at::Tensor weight_, bias_;
  std::int64_t kernel_;
};

/// One post-norm layer: x = norm1(x + attention x); x = norm2(x + mlp x).
class DecoderLayer : public Module {
 public:
  explicit DecoderLayer(const ClipSegConfig& c)
      : heads_(c.decoder_heads),
        q_(c.reduce_dim, c.reduce_dim),
        k_(c.reduce_dim, c.reduce_dim),
        v_(c.reduce_dim, c.reduce_dim),
        out_(c.reduce_dim, c.reduce_dim),
        norm1_(c.reduce_dim, c.vision.eps),
        norm2_(c.reduce_dim, c.vision.eps),
        fc1_(c.reduce_dim, c.decoder_intermediate_size),
        fc2_(c.decoder_intermediate_size, c.reduce_dim) {
    add("self_attn.q_proj", q_);
    add("self_attn.k_proj", k_);
    add("self_attn.v_proj", v_);
    add("self_attn.out_proj", out_);
    add("layer_norm1", norm1_);
    add("layer_norm2", norm2_);
    add("mlp.fc1", fc1_);
    add("mlp.fc2", fc2_);
  }

  at::Tensor forward(const at::Tensor& x) const {  // [B,S,reduce] -> same
    const at::Tensor attended = attention(q_.forward(x), k_.forward(x), v_.forward(x), heads_);
    const at::Tensor y = norm1_.forward(x + out_.forward(attended));
    return norm2_.forward(y + fc2_.forward(fc1_.forward(y).relu()));
  }

 private:
  std::int64_t heads_;
  Linear q_, k_, v_, out_;
  LayerNorm norm1_, norm2_;
  Linear fc1_, fc2_;
};

}  // namespace

/// The picture tower, as far as the last layer that is listened to.
class ClipSeg::Vision : public Module {
 public:
  explicit Vision(const ClipVisionConfig& c)
      : config_(c), pre_norm_(c.hidden_size, c.eps) {
    const std::int64_t grid = c.image_size / c.patch_size;
    add("embeddings.class_embedding", class_embedding_, {c.hidden_size});
    add("embeddings.patch_embedding.weight", patches_,
        {c.hidden_size, 3, c.patch_size, c.patch_size});
    add("embeddings.position_embedding.weight", positions_, {grid * grid + 1, c.hidden_size});
    add("pre_layrnorm", pre_norm_);  // spelled so in the files
    for (std::int64_t i = 0; i < c.layers; ++i) {
      layers_.push_back(std::make_unique<ClipLayer>(
          ClipLayerShape{c.hidden_size, c.intermediate_size, c.heads, c.activation, c.eps}));
      add("encoder.layers." + std::to_string(i), *layers_.back());
    }
  }

  /// Outputs of the layers with these numbers (rising), each [1,1+n*n,hidden].
  std::vector<at::Tensor> forward(const at::Tensor& pixels,
                                  const std::vector<std::int64_t>& taps) const {
    const at::Tensor map = at::conv2d(pixels, patches_, {}, config_.patch_size);
    const at::Tensor cls = class_embedding_.view({1, 1, -1});
    at::Tensor x = at::cat({cls, map.flatten(2).transpose(1, 2)}, 1) + positions_for(map.size(2));
    x = pre_norm_.forward(x);
    std::vector<at::Tensor> outputs;
    for (std::size_t i = 0; outputs.size() < taps.size(); ++i) {
      x = layers_[i]->forward(x);
      if (static_cast<std::int64_t>(i) == taps[outputs.size()]) outputs.push_back(x);
    }
    return outputs;
  }

 private:
  /// Learned for a grid of the training size; for another they are interpolated. [1,1+n*n,hidden]
  at::Tensor positions_for(std::int64_t side) const {
    const std::int64_t grid = config_.image_size / config_.patch_size;
    if (side == grid) return positions_.unsqueeze(0);
    const at::Tensor map = positions_.slice(0, 1).view({1, grid, grid, -1}).permute({0, 3, 1, 2});
    const at::Tensor scaled =
        at::upsample_bicubic2d(map.contiguous(), {side, side}, /*align_corners=*/false);
    return at::cat({positions_.slice(0, 0, 1).unsqueeze(0), scaled.flatten(2).transpose(1, 2)}, 1);
  }

  ClipVisionConfig config_;
  at::Tensor class_embedding_, patches_, positions_;
  LayerNorm pre_norm_;
  std::vector<std::unique_ptr<ClipLayer>> layers_;
};

/// What three layers of the picture tower saw, steered by the text (FiLM, Perez 2018), to a map.
class ClipSeg::Decoder : public Module {
 public:
  explicit Decoder(const ClipSegConfig& c)
      : conditional_layer_(c.conditional_layer),
        film_mul_(c.projection_dim, c.reduce_dim),
        film_add_(c.projection_dim, c.reduce_dim),
        smooth_(c.reduce_dim, c.reduce_dim, 3, 1, 1),
        first_(c.reduce_dim, c.reduce_dim / 2, c.vision.patch_size / 4),
        second_(c.reduce_dim / 2, 1, c.vision.patch_size / 4) {
    add("film_mul", film_mul_);
    add("film_add", film_add_);
    add("transposed_convolution.0", smooth_);
    add("transposed_convolution.2", first_);
    add("transposed_convolution.4", second_);
    for (std::size_t i = 0; i < c.extract_layers.size(); ++i) {
      reduces_.push_back(std::make_unique<Linear>(c.vision.hidden_size, c.reduce_dim));
      layers_.push_back(std::make_unique<DecoderLayer>(c));
      add("reduces." + std::to_string(i), *reduces_.back());
      add("layers." + std::to_string(i), *layers_.back());
    }
  }

  /// taps as Vision gives them, text [1,projection] -> [h,w]
  at::Tensor forward(const std::vector<at::Tensor>& taps, const at::Tensor& text) const {
    at::Tensor x;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const at::Tensor seen = reduces_[i]->forward(taps[taps.size() - 1 - i]);
      x = x.defined() ? seen + x : seen;
      if (static_cast<std::int64_t>(i) == conditional_layer_)
        x = film_mul_.forward(text).unsqueeze(1) * x + film_add_.forward(text).unsqueeze(1);
      x = layers_[i]->forward(x);
    }
    const at::Tensor patches = x.slice(1, 1);  // without the class token
    const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(double(patches.size(1)))));
    const at::Tensor map = smooth_.forward(as_map(patches.contiguous(), side, side)).relu();
    return second_.forward(first_.forward(map).relu())[0][0];
  }

 private:
  std::int64_t conditional_layer_;
  Linear film_mul_, film_add_;
  std::vector<std::unique_ptr<Linear>> reduces_;
  std::vector<std::unique_ptr<DecoderLayer>> layers_;
  Conv2d smooth_;
  Enlarge first_, second_;
};

ClipSeg::ClipSeg(const ClipSegConfig& config)
    : config_(config),
      text_(config.text),
      text_projection_(config.text.hidden_size, config.projection_dim, /*bias=*/false),
      vision_(std::make_unique<Vision>(config.vision)),
      decoder_(std::make_unique<Decoder>(config)) {
  add("clip", text_);
  add("clip.text_projection", text_projection_);
  add("clip.vision_model", *vision_);
  add("decoder", *decoder_);
}

ClipSeg::~ClipSeg() = default;

at::Tensor ClipSeg::encode_text(const at::Tensor& ids, std::int64_t end) const {
  return text_projection_.forward(text_.forward(ids).select(1, end));
}

at::Tensor ClipSeg::forward(const at::Tensor& pixels, const at::Tensor& text) const {
  TORCH_CHECK(pixels.dim() == 4 && pixels.size(0) == 1 && pixels.size(1) == 3 &&
                  pixels.size(2) == pixels.size(3) &&
                  pixels.size(2) % config_.vision.patch_size == 0,
              "pixels must be [1,3,N,N] with N a multiple of ", config_.vision.patch_size, ", got ",
              pixels.sizes());
  return decoder_->forward(vision_->forward(pixels, config_.extract_layers), text);
}

}  // namespace invokeai::nn
