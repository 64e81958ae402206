#include "nn/layers.h"

#include <array>
#include <cmath>

namespace invokeai::nn {

Linear::Linear(std::int64_t in, std::int64_t out, bool bias) {
  add("weight", weight_, {out, in});
  if (bias) add("bias", bias_, {out});
}

at::Tensor Linear::forward(const at::Tensor& x) const { return at::linear(x, weight_, bias_); }

Conv2d::Conv2d(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
               std::int64_t padding)
    : stride_(stride), padding_(padding) {
  add("weight", weight_, {out, in, kernel, kernel});
  add("bias", bias_, {out});
}

at::Tensor Conv2d::forward(const at::Tensor& x) const {
  if (padding_ == 0 || !(wrap_.x || wrap_.y))
    return at::conv2d(x, weight_, bias_, stride_, padding_);
  const auto mode = [](bool wraps) { return wraps ? "circular" : "constant"; };
  const at::Tensor wide = at::pad(x, {padding_, padding_, 0, 0}, mode(wrap_.x));
  const at::Tensor padded = at::pad(wide, {0, 0, padding_, padding_}, mode(wrap_.y));
  const std::array<std::int64_t, 2> no_padding{0, 0};
  return at::conv2d(padded, weight_, bias_, stride_, no_padding);
}

void set_wrap(Module& network, Wrap wrap) {
  network.visit_modules([wrap](Module& module) {
    if (auto* convolution = dynamic_cast<Conv2d*>(&module)) convolution->set_wrap(wrap);
  });
}

GroupNorm::GroupNorm(std::int64_t groups, std::int64_t channels, double eps)
    : groups_(groups), eps_(eps) {
  add("weight", weight_, {channels});
  add("bias", bias_, {channels});
}

at::Tensor GroupNorm::forward(const at::Tensor& x) const {
  return at::group_norm(x, groups_, weight_, bias_, eps_);
}

LayerNorm::LayerNorm(std::int64_t width, double eps) : eps_(eps) {
  add("weight", weight_, {width});
  add("bias", bias_, {width});
}

at::Tensor LayerNorm::forward(const at::Tensor& x) const {
  return at::layer_norm(x, {x.size(-1)}, weight_, bias_, eps_);
}

Embedding::Embedding(std::int64_t count, std::int64_t width) {
  add("weight", weight_, {count, width});
}

at::Tensor Embedding::forward(const at::Tensor& ids) const { return at::embedding(weight_, ids); }

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     std::int64_t heads, bool causal, bool upcast) {
  const auto split = [heads](const at::Tensor& x) {  // [B,L,heads*d] -> [B,heads,L,d]
    return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
  };
  at::Tensor qs = split(q), ks = split(k), vs = split(v);
  // Half-precision CPU kernels already accumulate in f32; on other devices the scores of SD 2.1
  // overflow f16, so the whole attention is done in f32 there.
  const bool widen = upcast && q.scalar_type() == at::kHalf;
  if (widen) qs = qs.to(at::kFloat), ks = ks.to(at::kFloat), vs = vs.to(at::kFloat);
  at::Tensor out = at::scaled_dot_product_attention(qs, ks, vs, {}, 0.0, causal);
  if (widen) out = out.to(q.scalar_type());
  return out.transpose(1, 2).reshape({q.size(0), q.size(1), q.size(2)});
}

at::Tensor as_tokens(const at::Tensor& x) {
  return x.permute({0, 2, 3, 1}).reshape({x.size(0), x.size(2) * x.size(3), x.size(1)});
}

at::Tensor as_map(const at::Tensor& tokens, std::int64_t height, std::int64_t width) {
  return tokens.reshape({tokens.size(0), height, width, tokens.size(2)}).permute({0, 3, 1, 2});
}

at::Tensor timestep_embedding(const at::Tensor& timesteps, std::int64_t width, bool cos_first,
                              double frequency_shift) {
  const std::int64_t half = width / 2;
  const auto options = at::TensorOptions().dtype(at::kFloat).device(timesteps.device());
  const double rate = -std::log(10000.0) / (static_cast<double>(half) - frequency_shift);
  const at::Tensor frequencies = (at::arange(half, options) * rate).exp();
  const at::Tensor angles = timesteps.to(at::kFloat).unsqueeze(1) * frequencies.unsqueeze(0);
  return cos_first ? at::cat({angles.cos(), angles.sin()}, 1)
                   : at::cat({angles.sin(), angles.cos()}, 1);
}

}  // namespace invokeai::nn
