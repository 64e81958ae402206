#include "nn/products.h"

#include <cmath>

#include "nn/internal/tensors.h"

namespace invokeai::nn {
namespace {

constexpr std::int64_t kMostTransformed = 1280 * 1280;  // channels in times out, kept below
constexpr auto kLayout = at::MemoryFormat::ChannelsLast;

bool suits(at::ScalarType type, std::int64_t in, std::int64_t out) {
  static const bool best = kernels_available() && !amx_available();
  return best && (type == at::kFloat || type == at::kBFloat16) && in % 2 == 0 &&
         out % kPackedColumns == 0;
}

template <class T>
Outcome<T> outcome(const at::Tensor& bias, const at::Tensor& addend, const at::Tensor& result) {
  return {memory<T>(bias), memory<T>(addend), memory_to_write<T>(result)};
}

template <class T>
void run_linear(const at::Tensor& x, const OwnWeight& w, const Outcome<T>& to) {
  run_product(ProductProblem<T>{.x = memory<T>(x),
                                .weight = memory<T>(w.packed),
                                .outcome = to,
                                .rows = x.numel() / w.in,
                                .in = w.in,
                                .out = w.out},
              parallel_for);
}

template <class T>
void run_map(const at::Tensor& x, const OwnWeight& w, const ConvShape& shape,
             const Outcome<T>& to) {
  const ConvolutionProblem<T> problem{.x = memory<T>(x),
                                      .weight = memory<T>(w.packed),
                                      .outcome = to,
                                      .batch = x.size(0),
                                      .height = x.size(2),
                                      .width = x.size(3),
                                      .in = w.in,
                                      .out = w.out,
                                      .stride = shape.stride,
                                      .padding = shape.padding,
                                      .enlarged = w.way == Way::minimal_enlarged};
  if (w.way == Way::direct)
    run_convolution(problem, parallel_for);
  else if (w.way == Way::minimal_compact)
    run_compact_winograd(problem, parallel_for);
  else
    run_winograd(problem, parallel_for);
}

template <class T>
void run_pack_way(const at::Tensor& weight, const OwnWeight& w) {
  const T* from = memory<T>(weight);
  T* to = memory_to_write<T>(w.packed);
  if (w.way == Way::minimal || w.way == Way::minimal_enlarged)
    run_pack_winograd(from, to, w.in, w.out, w.way == Way::minimal_enlarged, parallel_for);
  else
    run_pack(from, to, w.in, w.out, w.way == Way::linear ? 1 : 9, parallel_for);
}

void check(const at::Tensor& x, std::int64_t in, const OwnWeight& w) {
  TORCH_CHECK(in == w.in && x.scalar_type() == w.packed.scalar_type() && x.is_cpu(),
              "a layer wants ", w.in, " channels of ", w.packed.scalar_type(), " on the CPU, got ",
              in, " of ", x.scalar_type(), " on ", x.device());
}

std::int64_t convolved(std::int64_t side, const ConvShape& shape) {
  return (side + 2 * shape.padding - 3) / shape.stride + 1;
}

/// The third of four transformed numbers along a side is the first and the last less the second.
OwnWeight complete(const OwnWeight& w) {
  const at::Tensor u = w.packed.view({w.out / kPackedColumns, 3, 3, -1}).to(at::kFloat);
  const auto spread = [](const at::Tensor& x, std::int64_t side) {
    const auto parts = x.split(1, side);
    return at::cat({parts[0], parts[1], parts[0] + parts[2] - parts[1], parts[2]}, side);
  };
  return {Way::minimal, spread(spread(u, 1), 2).to(w.packed.scalar_type()).contiguous(), w.in,
          w.out};
}

}  // namespace

std::optional<Way> own_way(at::ScalarType type, std::int64_t in, std::int64_t out) {
  return suits(type, in, out) ? std::optional(Way::linear) : std::nullopt;
}

std::optional<Way> own_way(at::ScalarType type, std::int64_t in, std::int64_t out,
                           std::int64_t kernel, const ConvShape& shape, bool enlarged) {
  if (!suits(type, in, out)) return std::nullopt;
  if (kernel == 1 && shape.stride == 1 && shape.padding == 0) return Way::linear;
  if (kernel != 3) return std::nullopt;
  const bool minimal = shape.stride == 1 && shape.padding <= 1 && in % 16 == 0;
  if (minimal && enlarged) return Way::minimal_enlarged;
  if (!minimal) return Way::direct;
  return in * out < kMostTransformed ? Way::minimal : Way::minimal_compact;
}

OwnWeight pack_own_weight(const at::Tensor& weight, Way way) {
  const at::Tensor plain = weight.detach().contiguous();
  OwnWeight w{way, {}, plain.size(1), plain.size(0)};
  const double numbers = static_cast<double>(plain.numel()) * packed_share(way);
  w.packed = at::empty({std::llround(numbers)}, plain.options());
  (is_half(plain) ? run_pack_way<Bf16> : run_pack_way<float>)(plain, w);
  return w;
}

double packed_share(Way way) { return way == Way::minimal ? 16.0 / 9 : 1; }

at::Tensor own_linear(const at::Tensor& tokens, const OwnWeight& w, const at::Tensor& bias,
                      const at::Tensor& addend) {
  check(tokens, tokens.size(-1), w);
  const at::Tensor x = tokens.contiguous();
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = w.out;
  const at::Tensor result = at::empty(shape, x.options());
  const at::Tensor more = addend.defined() ? addend.contiguous() : addend;
  if (is_half(x))
    run_linear(x, w, outcome<Bf16>(bias, more, result));
  else
    run_linear(x, w, outcome<float>(bias, more, result));
  return result;
}

namespace {

at::Tensor convolve(const at::Tensor& map, const OwnWeight& w, const at::Tensor& bias,
                    const ConvShape& shape, const at::Tensor& addend, std::int64_t height,
                    std::int64_t width) {
  check(map, map.size(1), w);
  const at::Tensor x = map.contiguous(kLayout);
  const at::Tensor result = at::empty({x.size(0), w.out, height, width}, x.options(), kLayout);
  const at::Tensor more = addend.defined() ? addend.contiguous(kLayout) : addend;
  if (is_half(x))
    run_map(x, w, shape, outcome<Bf16>(bias, more, result));
  else
    run_map(x, w, shape, outcome<float>(bias, more, result));
  return result;
}

}  // namespace

at::Tensor own_conv2d(const at::Tensor& x, const OwnWeight& w, const at::Tensor& bias,
                      const ConvShape& shape, const at::Tensor& addend) {
  return convolve(x, w.way == Way::minimal_enlarged ? complete(w) : w, bias, shape, addend,
                  convolved(x.size(2), shape), convolved(x.size(3), shape));
}

at::Tensor own_enlarged(const at::Tensor& x, const OwnWeight& w, const at::Tensor& bias) {
  return convolve(x, w, bias, {.stride = 1, .padding = 1}, {}, 2 * x.size(2), 2 * x.size(3));
}

}  // namespace invokeai::nn
