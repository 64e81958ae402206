#pragma once
// Kernels of our own for the CPU, where libtorch leaves time on the table: memory in, memory out, no
// tensors. Made for processors with AVX512-BF16; kernels_available() says whether this is one.

#include <cstdint>
#include <functional>

namespace invokeai::nn {

bool kernels_available();

/// bfloat16 as it lies in memory.
struct Bf16 {
  std::uint16_t bits;
};

/// Runs `body(begin, end)` over disjoint parts of 0..count on as many threads as it likes.
using ParallelFor =
    std::function<void(std::int64_t count, const std::function<void(std::int64_t, std::int64_t)>& body)>;

/// Where the numbers of one token of one head begin: at batch * b + token * t + head * h elements;
/// its `width` numbers are contiguous.
struct HeadStrides {
  std::int64_t batch = 0, token = 0, head = 0;
};

/// softmax(scale * Q K^T) V for every batch row and head.
struct AttentionProblem {
  const Bf16 *q = nullptr, *k = nullptr, *v = nullptr;
  Bf16* out = nullptr;
  HeadStrides q_strides, k_strides, v_strides, out_strides;
  std::int64_t batch = 0, heads = 0;
  std::int64_t queries = 0, keys = 0;  ///< tokens, at least 1
  std::int64_t width = 0;              ///< numbers a head, even
  float scale = 1;
};

/// Online softmax over blocks of keys (Milakov & Gimelshein 2018; Dao 2022): scores in f32 from
/// bfloat16 products, probabilities rounded to bfloat16, sums in f32. Memory: keys and values once
/// more in packed form, and some 100 kB a thread. The result does not depend on how the work is cut
/// into threads.
void run_attention_avx512(const AttentionProblem& problem, const ParallelFor& parallel_for);

/// Whether this processor has AMX for bfloat16 and the system lets this process use it (it is asked
/// at the first call).
bool amx_available();
/// The same on tiles. Memory: a thread holds keys and values of the head it works on in packed form.
void run_attention_amx(const AttentionProblem& problem, const ParallelFor& parallel_for);

/// Group normalisation of channels-last maps, with what comes before and after it.
template <class T>
struct GroupNormProblem {
  const T* x = nullptr;      ///< [batch, pixels, channels]
  T* out = nullptr;          ///< the same shape
  const T* weight = nullptr; ///< [channels]
  const T* bias = nullptr;   ///< [channels]
  const T* shift = nullptr;  ///< [batch, channels], added to x first; may be null
  std::int64_t batch = 0, pixels = 0, channels = 0, groups = 1;
  float eps = 1e-5f;
  bool silu = false;         ///< y sigmoid(y) of the result
  float* moments =
      nullptr;  ///< [batch, groups, 2] mean and 1 / deviation, for the way back; may be null
};

/// The way back through a group normalisation: from the error's gradient by its result to those by
/// what went in.
template <class T>
struct GroupNormGradients {
  GroupNormProblem<T> norm;          ///< as it ran, with its moments; `out` is not looked at
  const T* gradient = nullptr;       ///< by the result, [batch, pixels, channels]
  T* x_gradient = nullptr;           ///< by x, the same shape
  float* weight_gradient = nullptr;  ///< by weight, [channels]
  float* bias_gradient = nullptr;    ///< by bias, [channels]
  float* shift_gradient = nullptr;   ///< by shift, [batch, channels]; null where there is no shift
};

/// Two passes over memory. Sums are kept by channel in f32 over 64 pixels, in f64 beyond; the result
/// does not depend on threads.
void run_group_norm(const GroupNormProblem<Bf16>& problem, const ParallelFor& parallel_for);
void run_group_norm(const GroupNormProblem<float>& problem, const ParallelFor& parallel_for);
/// The same passes once more, sums kept the same way.
void run_group_norm_gradients(const GroupNormGradients<Bf16>& problem,
                              const ParallelFor& parallel_for);
void run_group_norm_gradients(const GroupNormGradients<float>& problem,
                              const ParallelFor& parallel_for);

/// Columns of the result that packed weights keep together.
constexpr int kPackedColumns = 64;

/// Where a product goes and what is added on the way.
template <class T>
struct Outcome {
  const T* bias = nullptr;    ///< [out]; may be null
  const T* addend = nullptr;  ///< of the result's shape; may be null
  T* result = nullptr;        ///< [rows, out]
};

/// x W^T.
template <class T>
struct ProductProblem {
  const T* x = nullptr;       ///< [rows, in]
  const T* weight = nullptr;  ///< as run_pack makes it of [out, in]
  Outcome<T> outcome;
  std::int64_t rows = 0;
  std::int64_t in = 0;   ///< even
  std::int64_t out = 0;  ///< a multiple of 64
};

/// A 3x3 convolution of channels-last maps.
template <class T>
struct ConvolutionProblem {
  const T* x = nullptr;       ///< [batch, height, width, in]
  const T* weight = nullptr;  ///< [out, in, 3, 3] as run_pack or run_pack_winograd makes it
  Outcome<T> outcome;         ///< rows are pixels: [batch, height', width', out]
  std::int64_t batch = 0, height = 0, width = 0;
  std::int64_t in = 0;   ///< even; for run_winograd a multiple of 16
  std::int64_t out = 0;  ///< a multiple of 64
  std::int64_t stride = 1, padding = 1;  ///< for run_winograd 1, and 1 or 0
  bool enlarged = false;                 ///< run_winograd: x is enlarged to twice its size first
};

/// Sums in f32. Memory: some 100 kB a thread, for convolutions the surroundings of 96 pixels
/// besides. The result does not depend on threads.
void run_product(const ProductProblem<Bf16>& problem, const ParallelFor& parallel_for);
void run_product(const ProductProblem<float>& problem, const ParallelFor& parallel_for);
void run_convolution(const ConvolutionProblem<Bf16>& problem, const ParallelFor& parallel_for);
void run_convolution(const ConvolutionProblem<float>& problem, const ParallelFor& parallel_for);

/// Weights [out, in, points] in the order of the products: [out / 64, points, in / 2, 64, 2] of
/// bfloat16, [out / 64, points, in, 64] of f32.
void run_pack(const Bf16* weight, Bf16* packed, std::int64_t in, std::int64_t out,
              std::int64_t points, const ParallelFor& parallel_for);
void run_pack(const float* weight, float* packed, std::int64_t in, std::int64_t out,
              std::int64_t points, const ParallelFor& parallel_for);

/// By minimal filtering F(2x2,3x3): 16 products for four results in place of 36, and 9 where x is
/// enlarged. Sums in f32; transformed tiles and weights are rounded to T. Memory: up to 96 tiles a
/// thread. The result does not depend on threads. Source: Lavin & Gray 2015, arXiv 1509.09308.
void run_winograd(const ConvolutionProblem<Bf16>& problem, const ParallelFor& parallel_for);
void run_winograd(const ConvolutionProblem<float>& problem, const ParallelFor& parallel_for);

/// The same with weights of run_pack (9 points), which are transformed at every call: for the many
/// channels and few pixels of deep levels. Memory: 128 transformed tiles, and for each thread their
/// products and the transformed weights of 640 channels for 64.
void run_compact_winograd(const ConvolutionProblem<Bf16>& problem, const ParallelFor& parallel_for);
void run_compact_winograd(const ConvolutionProblem<float>& problem,
                          const ParallelFor& parallel_for);

/// Transforms weights [out, in, 3, 3] for run_winograd into the order of run_pack, with 16 points
/// (`enlarged`: 9).
void run_pack_winograd(const Bf16* weight, Bf16* packed, std::int64_t in, std::int64_t out,
                       bool enlarged, const ParallelFor& parallel_for);
void run_pack_winograd(const float* weight, float* packed, std::int64_t in, std::int64_t out,
                       bool enlarged, const ParallelFor& parallel_for);

/// out[r][i] = in[r][i] * gelu(in[r][width + i]), gelu with the error function (Shazeer 2020).
///   in [rows, 2 width], out [rows, width]
void run_geglu(const Bf16* in, Bf16* out, std::int64_t rows, std::int64_t width,
               const ParallelFor& parallel_for);
void run_geglu(const float* in, float* out, std::int64_t rows, std::int64_t width,
               const ParallelFor& parallel_for);

/// Each row on a scale of its own: scales[r] = largest |x| / 127, out = round(x / scale) + 128.
///   x [rows, width]; a row of zeros has the scale 1
void run_quantize_rows(const Bf16* x, std::uint8_t* out, float* scales, std::int64_t rows,
                       std::int64_t width, const ParallelFor& parallel_for);
void run_quantize_rows(const float* x, std::uint8_t* out, float* scales, std::int64_t rows,
                       std::int64_t width, const ParallelFor& parallel_for);

/// y = y * scales[row] + bias[column] + addend, in place. `bias` and `addend` may be null.
void run_finish_rows(Bf16* y, const float* scales, const float* bias, const Bf16* addend,
                     std::int64_t rows, std::int64_t width, const ParallelFor& parallel_for);
void run_finish_rows(float* y, const float* scales, const float* bias, const float* addend,
                     std::int64_t rows, std::int64_t width, const ParallelFor& parallel_for);

/// The two of above with run_geglu between: x [rows, 2 width] is finished, halved and rounded again.
void run_finish_geglu_quantize(const Bf16* x, const float* scales, const float* bias,
                               std::uint8_t* out, float* out_scales, std::int64_t rows,
                               std::int64_t width, const ParallelFor& parallel_for);
void run_finish_geglu_quantize(const float* x, const float* scales, const float* bias,
                               std::uint8_t* out, float* out_scales, std::int64_t rows,
                               std::int64_t width, const ParallelFor& parallel_for);

/// Smallest and largest of `count` numbers, at least one.
struct Range {
  float low = 0, high = 0;
};
Range run_range(const Bf16* x, std::int64_t count, const ParallelFor& parallel_for);
Range run_range(const float* x, std::int64_t count, const ParallelFor& parallel_for);

/// out = round(x / scale) + zero, within 0..255.
void run_quantize(const Bf16* x, std::uint8_t* out, std::int64_t count, float scale, int zero,
                  const ParallelFor& parallel_for);
void run_quantize(const float* x, std::uint8_t* out, std::int64_t count, float scale, int zero,
                  const ParallelFor& parallel_for);

}  // namespace invokeai::nn
