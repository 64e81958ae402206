#include "nn/layers.h"

#include <cmath>

#include "nn/internal/group_norm.h"
#include "nn/internal/tensors.h"
#include "nn/threads.h"

namespace invokeai::nn {
Linear::Linear(std::int64_t in, std::int64_t out, bool bias) {
  add("weight", weight_, {out, in});
  if (bias) add("bias", bias_, {out});
}

const Int8Rows& Tokens::rounded() const {
  if (!rows_) rows_ = quantize_rows(x_);
  return *rows_;
}

namespace {

/// A parameter that lives on in another form.
void leave_shape(at::Tensor& weight) {
  weight = at::empty(weight.sizes(), at::TensorOptions().device(at::kMeta));
}

}  // namespace

void Linear::pack_own(WeightForm form) {
  if (form == WeightForm::int8 && can_quantize(weight_)) {
    Int8Weight rounded = quantize_linear(weight_, bias_);
    drop();
    int8_ = std::move(rounded);
  } else if (!can_pack(weight_)) {
    return;
  } else if (const auto way = own_way(weight_.scalar_type(), weight_.size(1), weight_.size(0))) {
    own_ = pack_own_weight(weight_, *way);
    leave_shape(weight_);
  } else {
    weight_ = pack_linear(weight_.detach());
  }
}

at::Tensor Linear::run(const Tokens& x, const at::Tensor& addend) const {
  if (int8_) return int8_linear(x.rounded(), *int8_, addend);
  if (own_) return own_linear(x.plain(), *own_, bias_, addend);
  if (weight_.is_mkldnn()) return packed_linear(x.plain(), weight_, bias_, addend);
  const at::Tensor y = at::linear(x.plain(), weight_, bias_);
  return addend.defined() ? addend + y : y;
}

at::Tensor Linear::forward(const Tokens& x) const { return run(x, {}); }

at::Tensor Linear::forward_add(const Tokens& x, const at::Tensor& addend) const {
  return run(x, addend);
}

Tokens Linear::forward_geglu(const Tokens& x, const Linear& next) const {
  if (int8_ && next.int8_) return Tokens(int8_linear_geglu(x.rounded(), *int8_));
  return geglu(forward(x));
}

Conv2d::Conv2d(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
               std::int64_t padding)
    : kernel_(kernel), shape_{stride, padding} {
  add("weight", weight_, {out, in, kernel, kernel});
  add("bias", bias_, {out});
}

/// The way of our own kernels, if it is taken. Of enlarged maps it is even faster than 8 bits: a
/// quarter of the products.
std::optional<Way> Conv2d::way(WeightForm form, at::ScalarType type) const {
  const auto found = own_way(type, weight_.size(1), weight_.size(0), kernel_, shape_, enlarged_);
  return form == WeightForm::int8 && found != Way::minimal_enlarged ? std::nullopt : found;
}

void Conv2d::pack_own(WeightForm form) {
  if (!can_pack(weight_)) return;
  if (const auto chosen = way(form, weight_.scalar_type())) {
    own_ = pack_own_weight(weight_, *chosen);
    leave_shape(weight_);
  } else if (form == WeightForm::int8 && can_quantize(weight_)) {
    Int8Weight rounded = quantize_conv2d(weight_, bias_, shape_);
    drop();
    int8_ = std::move(rounded);
  } else {
    weight_ = pack_conv2d(weight_.detach(), shape_);
  }
}

std::int64_t Conv2d::own_packed_bytes(WeightForm form, at::ScalarType type) {
  const auto chosen = way(form, type);
  if (!chosen) return Module::own_packed_bytes(form, type);
  const auto more =
      static_cast<std::int64_t>(static_cast<double>(weight_.numel()) * (packed_share(*chosen) - 1));
  return Module::own_packed_bytes(WeightForm::as_loaded, type) +
         more * static_cast<std::int64_t>(at::elementSize(type));
}

at::Tensor Conv2d::run(const at::Tensor& x, const ConvShape& shape, const at::Tensor& addend) const {
  if (int8_) return int8_conv2d(x, *int8_, shape, addend);
  if (own_ && own_->way == Way::linear) {
    const at::Tensor tokens =
        own_linear(as_tokens(x), *own_, bias_, addend.defined() ? as_tokens(addend) : addend);
    return as_map(tokens, x.size(2), x.size(3));
  }
  if (own_) return own_conv2d(x, *own_, bias_, shape, addend);
  if (weight_.is_mkldnn()) return packed_conv2d(x, weight_, bias_, shape, addend);
  const at::Tensor y = at::conv2d(x, weight_, bias_, shape.stride, shape.padding);
  return addend.defined() ? addend + y : y;
}

at::Tensor Conv2d::forward(const at::Tensor& x) const {
  return wrapped() ? forward_wrapped(x) : run(x, shape_);
}

at::Tensor Conv2d::forward_wrapped(const at::Tensor& x) const {
  const auto mode = [](bool wraps) { return wraps ? "circular" : "constant"; };
  const std::int64_t n = shape_.padding;
  const at::Tensor wide = at::pad(x, {n, n, 0, 0}, mode(wrap_.x));
  const at::Tensor padded =
      at::pad(wide, {0, 0, n, n}, mode(wrap_.y)).contiguous(at::MemoryFormat::ChannelsLast);
  return run(padded, {shape_.stride, 0});
}

void set_wrap(Module& network, Wrap wrap) {
  network.visit_modules([wrap](Module& module) {
    if (auto* convolution = dynamic_cast<Conv2d*>(&module)) convolution->set_wrap(wrap);
  });
}

at::Tensor Conv2d::forward_add(const at::Tensor& x, const at::Tensor& addend) const {
  return wrapped() ? addend + forward_wrapped(x) : run(x, shape_, addend);
}

at::Tensor Conv2d::forward_enlarged(at::Tensor x, std::int64_t height, std::int64_t width) const {
  const bool twice = height == 2 * x.size(2) && width == 2 * x.size(3);
  if (own_ && own_->way == Way::minimal_enlarged && twice && !wrapped())
    return own_enlarged(x, *own_, bias_);
  x = enlarge_nearest(x, height, width);
  return forward(x);
}

GroupNorm::GroupNorm(std::int64_t groups, std::int64_t channels, double eps)
    : groups_(groups), eps_(eps) {
  add("weight", weight_, {channels});
  add("bias", bias_, {channels});
}

at::Tensor GroupNorm::run(at::Tensor x, const at::Tensor& shift, bool silu) const {
  GroupNormTerms terms{std::move(x), shift, weight_, bias_, groups_, eps_, silu};
  if (kernels_can_norm(terms)) return kernel_group_norm(std::move(terms));
  const at::Tensor shifted =
      shift.defined() ? terms.x + shift.unsqueeze(2).unsqueeze(3) : std::move(terms.x);
  const at::Tensor normed = at::group_norm(shifted, groups_, weight_, bias_, eps_);
  return silu ? at::silu(normed) : normed;
}

at::Tensor GroupNorm::forward(const at::Tensor& x) const { return run(x, {}, /*silu=*/false); }

at::Tensor GroupNorm::forward_silu(at::Tensor x, const at::Tensor& shift) const {
  return run(std::move(x), shift, /*silu=*/true);
}

LayerNorm::LayerNorm(std::int64_t width, double eps) : eps_(eps) {
  add("weight", weight_, {width});
  add("bias", bias_, {width});
}

at::Tensor LayerNorm::forward(const at::Tensor& x) const {
  const AllThreads threads;
  return at::layer_norm(x, {x.size(-1)}, weight_, bias_, eps_);
}

Embedding::Embedding(std::int64_t count, std::int64_t width) {
  add("weight", weight_, {count, width});
}

at::Tensor Embedding::forward(const at::Tensor& ids) const { return at::embedding(weight_, ids); }

at::Tensor geglu(const at::Tensor& x) {
  if (!kernels_suit(x) || !is_plain(x) || !x.is_contiguous()) {
    const auto halves = x.chunk(2, -1);
    return halves[0] * at::gelu(halves[1]);
  }
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() /= 2;
  const at::Tensor out = at::empty(shape, x.options());
  const std::int64_t width = shape.back(), rows = width > 0 ? out.numel() / width : 0;
  if (is_half(x)) run_geglu(memory<Bf16>(x), memory_to_write<Bf16>(out), rows, width, parallel_for);
  else run_geglu(memory<float>(x), memory_to_write<float>(out), rows, width, parallel_for);
  return out;
}

at::Tensor enlarge_nearest(const at::Tensor& x, std::int64_t height, std::int64_t width) {
  const AllThreads threads;
  return at::upsample_nearest2d(x, {height, width});
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
