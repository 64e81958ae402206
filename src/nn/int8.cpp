#include "nn/int8.h"

#include <algorithm>
#include <cmath>

#include "nn/internal/operators.h"
#include "nn/internal/tensors.h"
#include "nn/layers.h"
#include "nn/threads.h"

namespace invokeai::nn {
namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;

constexpr int kZero = 128;  // the byte that stands for 0 in rows

std::vector<std::int64_t> both(std::int64_t n) { return {n, n}; }

bool has_operators() {
  static const bool has = at::hasMKLDNN() &&
                          has_all({"onednn::qlinear_prepack", "onednn::qlinear_pointwise",
                                   "onednn::qconv_prepack", "onednn::qconv2d_pointwise"});
  return has;
}

/// Whether our own kernels can take x as one piece of memory.
bool kernels_take(const at::Tensor& x) { return kernels_suit(x) && is_plain(x); }

/// Rounds each output's weights to -127..127 on a scale of its own; the packed form is still missing.
std::pair<at::Tensor, Int8Weight> round_weights(const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor wide = weight.detach().to(at::kFloat).reshape({weight.size(0), -1});
  const at::Tensor most = wide.abs().amax(1);
  Int8Weight out;
  out.scales = at::where(most > 0, most / 127, at::ones_like(most));
  out.zero_points = at::zeros({weight.size(0)}, at::TensorOptions().dtype(at::kInt));
  if (bias.defined()) out.bias = bias.detach().to(at::kFloat).contiguous();
  const at::Tensor values = (wide / out.scales.unsqueeze(1)).round().to(at::kChar);
  return {values.reshape(weight.sizes()), out};
}

/// The sums, each times the scale of its output: of rows whose scale is 1.
at::Tensor raw_product(const Int8Rows& x, const Int8Weight& w) {
  static const auto product = operator_named("onednn::qlinear_pointwise");
  const AllThreads threads;
  return call(product, x.values, 1.0, kZero, w.packed, w.scales, w.zero_points, c10::IValue(), 1.0, 0,
              static_cast<std::int64_t>(x.type), "none", Scalars(), "");
}

template <class T>
void finish_by_kernel(const at::Tensor& y, const at::Tensor& scales, const at::Tensor& bias,
                      const at::Tensor& addend) {
  run_finish_rows(memory_to_write<T>(y), memory<float>(scales), memory<float>(bias),
                  memory<T>(addend), scales.numel(), y.size(-1), parallel_for);
}

at::Tensor finish_rows(at::Tensor y, const at::Tensor& scales, const at::Tensor& bias,
                       const at::Tensor& addend) {
  if (kernels_take(y) && y.is_contiguous()) {
    const at::Tensor more = addend.defined() ? addend.contiguous() : addend;
    (is_half(y) ? finish_by_kernel<Bf16> : finish_by_kernel<float>)(y, scales, bias, more);
    return y;
  }
  at::Tensor wide = y.to(at::kFloat).reshape({-1, y.size(-1)}) * scales.unsqueeze(1);
  if (bias.defined()) wide = wide + bias;
  wide = wide.reshape(y.sizes());
  if (addend.defined()) wide = wide + addend;
  return wide.to(y.scalar_type());
}

template <class T>
void quantize_rows_by_kernel(const at::Tensor& x, const Int8Rows& out) {
  run_quantize_rows(memory<T>(x), memory_to_write<std::uint8_t>(out.values),
                    memory_to_write<float>(out.scales), out.scales.numel(), x.size(-1), parallel_for);
}

/// Feature maps on one scale: x = (values - zero) * scale.
struct Int8Map {
  at::Tensor values;  // [B,C,H,W] u8, channels-last
  double scale = 1;
  int zero = 0;
};

/// From the range of the numbers, with 0 in it, as padding is 0.
Int8Map scale_of(Range range) {
  const float low = std::min(range.low, 0.0f), high = std::max(range.high, 0.0f);
  Int8Map out;
  if (high > low) out.scale = (double{high} - low) / 255;
  out.zero = static_cast<int>(std::lround(std::clamp(-low / out.scale, 0.0, 255.0)));
  return out;
}

template <class T>
Int8Map quantize_map_by_kernel(const at::Tensor& x) {
  Int8Map out = scale_of(run_range(memory<T>(x), x.numel(), parallel_for));
  out.values = at::empty_like(x, x.options().dtype(at::kByte));
  run_quantize(memory<T>(x), memory_to_write<std::uint8_t>(out.values), x.numel(),
               static_cast<float>(out.scale), out.zero, parallel_for);
  return out;
}

Int8Map quantize_map(const at::Tensor& map) {
  const at::Tensor x = map.contiguous(at::MemoryFormat::ChannelsLast);
  if (kernels_take(x))
    return (is_half(x) ? quantize_map_by_kernel<Bf16> : quantize_map_by_kernel<float>)(x);
  const at::Tensor wide = x.to(at::kFloat);
  Int8Map out = scale_of({wide.min().item<float>(), wide.max().item<float>()});
  out.values = ((wide / out.scale).round() + out.zero).clamp(0, 255).to(at::kByte);
  return out;
}

}  // namespace

bool can_quantize(const at::Tensor& weight) {
  return weight.is_cpu() && !weight.is_mkldnn() && has_operators() && is_plain(weight);
}

Int8Weight quantize_linear(const at::Tensor& weight, const at::Tensor& bias) {
  static const auto prepack = operator_named("onednn::qlinear_prepack");
  auto [values, out] = round_weights(weight, bias);
  out.packed = call(prepack, values, c10::IValue());
  return out;
}

Int8Weight quantize_conv2d(const at::Tensor& weight, const at::Tensor& bias, const ConvShape& s) {
  static const auto prepack = operator_named("onednn::qconv_prepack");
  auto [values, out] = round_weights(weight, bias);
  out.packed = call(prepack, values, out.scales, 1.0, kZero, both(s.stride), both(s.padding), both(1),
                    1, c10::IValue());
  return out;
}

Int8Rows quantize_rows(const at::Tensor& tokens) {
  const at::Tensor x = tokens.contiguous();
  const std::int64_t width = x.size(-1), rows = width > 0 ? x.numel() / width : 0;
  Int8Rows out{{}, {}, x.scalar_type()};
  if (kernels_take(x)) {
    out.values = at::empty(x.sizes(), x.options().dtype(at::kByte));
    out.scales = at::empty({rows}, x.options().dtype(at::kFloat));
    (is_half(x) ? quantize_rows_by_kernel<Bf16> : quantize_rows_by_kernel<float>)(x, out);
    return out;
  }
  const at::Tensor wide = x.to(at::kFloat).reshape({rows, width});
  const at::Tensor most = wide.abs().amax(1);
  out.scales = at::where(most > 0, most / 127, at::ones_like(most));
  out.values = ((wide / out.scales.unsqueeze(1)).round() + kZero).clamp(0, 255).to(at::kByte);
  out.values = out.values.reshape(x.sizes());
  return out;
}

at::Tensor int8_linear(const Int8Rows& x, const Int8Weight& weight, const at::Tensor& addend) {
  return finish_rows(raw_product(x, weight), x.scales, weight.bias, addend);
}

Int8Rows int8_linear_geglu(const Int8Rows& x, const Int8Weight& weight) {
  const at::Tensor raw = raw_product(x, weight);
  if (!kernels_take(raw) || !raw.is_contiguous())
    return quantize_rows(geglu(finish_rows(raw, x.scales, weight.bias, {})));
  std::vector<std::int64_t> shape = raw.sizes().vec();
  shape.back() /= 2;
  Int8Rows out{at::empty(shape, raw.options().dtype(at::kByte)), at::empty_like(x.scales), x.type};
  const auto run = [&](const auto* memory_of_raw) {
    run_finish_geglu_quantize(memory_of_raw, memory<float>(x.scales), memory<float>(weight.bias),
                              memory_to_write<std::uint8_t>(out.values),
                              memory_to_write<float>(out.scales), x.scales.numel(), shape.back(),
                              parallel_for);
  };
  if (is_half(raw)) run(memory<Bf16>(raw));
  else run(memory<float>(raw));
  return out;
}

at::Tensor int8_conv2d(const at::Tensor& x, const Int8Weight& weight, const ConvShape& s,
                       const at::Tensor& addend) {
  static const auto product = operator_named("onednn::qconv2d_pointwise");
  const Int8Map map = quantize_map(x);
  const AllThreads threads;
  const c10::IValue bias = weight.bias.defined() ? c10::IValue(weight.bias) : c10::IValue();
  at::Tensor y = call(product, map.values, map.scale, map.zero, weight.packed, weight.scales,
                      weight.zero_points, bias, both(s.stride), both(s.padding), both(1), 1, 1.0, 0,
                      static_cast<std::int64_t>(x.scalar_type()), "none", Scalars(), c10::IValue());
  return addend.defined() ? y.add_(addend) : y;
}

}  // namespace invokeai::nn
