// Norms and activations in one pass over memory. Compiled for AVX512-BF16 where the compiler can
// (src/nn/CMakeLists.txt), and used only where the processor can too: kernels_available().

#include "nn/internal/kernels.h"

#ifdef __AVX512BF16__

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "nn/internal/vectors_avx512.h"

namespace invokeai::nn {
namespace {

using std::int64_t;

constexpr int64_t kRowsAtOnce = 64;  // pixels whose sums are kept in f32

/// Adds sums and sums of squares over `rows` pixels, of N registers of channels side by side: enough
/// chains of additions to keep both adders busy, and whole cache lines of each pixel.
template <int N, class T>
void add_moments_beside(const T* x, int64_t rows, int64_t channels, int64_t first, double* sum,
                        double* square) {
  const __mmask16 mask = N > 1 ? first_lanes(kLanes) : first_lanes(channels - first);
  __m512 s[N], q[N];
  for (int i = 0; i < N; ++i) s[i] = q[i] = _mm512_setzero_ps();
  for (int64_t r = 0; r < rows; ++r)
    for (int i = 0; i < N; ++i) {
      const __m512 v = load(x + r * channels + first + i * kLanes, mask);
      s[i] = _mm512_add_ps(s[i], v);
      q[i] = _mm512_fmadd_ps(v, v, q[i]);
    }
  alignas(64) float sums[N][kLanes], squares[N][kLanes];
  for (int i = 0; i < N; ++i) _mm512_store_ps(sums[i], s[i]), _mm512_store_ps(squares[i], q[i]);
  for (int64_t c = 0; c < std::min<int64_t>(N * kLanes, channels - first); ++c) {
    sum[first + c] += sums[c / kLanes][c % kLanes];
    square[first + c] += squares[c / kLanes][c % kLanes];
  }
}

/// Sums and sums of squares of each channel over `rows` pixels.
template <class T>
void add_moments(const T* x, int64_t rows, int64_t channels, double* sum, double* square) {
  int64_t c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes)
    add_moments_beside<4>(x, rows, channels, c, sum, square);
  for (; c < channels; c += kLanes) add_moments_beside<1>(x, rows, channels, c, sum, square);
}

float value(float x) { return x; }
float value(Bf16 x) {
  const std::uint32_t bits = static_cast<std::uint32_t>(x.bits) << 16;
  float out;
  __builtin_memcpy(&out, &bits, sizeof out);
  return out;
}

/// From moments of the channels to y = x * factor + offset for each.
template <class T>
void make_affine(const GroupNormProblem<T>& p, int64_t b, const double* sum, const double* square,
                 float* factor, float* offset) {
  const int64_t width = p.channels / p.groups;
  const auto pixels = static_cast<double>(p.pixels);
  for (int64_t g = 0; g < p.groups; ++g) {
    double s = 0, q = 0;
    for (int64_t c = g * width; c < (g + 1) * width; ++c) {
      const double t = p.shift ? value(p.shift[b * p.channels + c]) : 0;
      s += sum[c] + pixels * t;
      q += square[c] + 2 * t * sum[c] + pixels * t * t;
    }
    const double count = pixels * static_cast<double>(width), mean = s / count;
    const double scale = 1 / std::sqrt(std::max(q / count - mean * mean, 0.0) + p.eps);
    for (int64_t c = g * width; c < (g + 1) * width; ++c) {
      const double t = p.shift ? value(p.shift[b * p.channels + c]) : 0;
      factor[c] = static_cast<float>(scale * value(p.weight[c]));
      offset[c] = static_cast<float>(value(p.bias[c]) + (t - mean) * scale * value(p.weight[c]));
    }
  }
}

template <class T>
void apply_affine(const T* x, T* out, int64_t rows, int64_t channels, const float* factor,
                  const float* offset, bool with_silu) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < channels; c += kLanes) {
      const __mmask16 mask = first_lanes(channels - c);
      const __m512 y = _mm512_fmadd_ps(load(x + r * channels + c, mask), load(factor + c, mask),
                                       load(offset + c, mask));
      store(out + r * channels + c, mask, with_silu ? silu(y) : y);
    }
}

template <class T>
void group_norm(const GroupNormProblem<T>& p, const ParallelFor& parallel_for) {
  const int64_t chunks = (p.pixels + kRowsAtOnce - 1) / kRowsAtOnce;
  const auto rows_of = [&](int64_t chunk) {
    return std::min(kRowsAtOnce, p.pixels - chunk * kRowsAtOnce);
  };
  const auto start_of = [&](int64_t i) {  // of chunk i % chunks of picture i / chunks
    return (i / chunks * p.pixels + i % chunks * kRowsAtOnce) * p.channels;
  };
  // One partial sum a chunk, added up in order: the same on any number of threads.
  std::vector<double> moments(p.batch * chunks * 2 * p.channels, 0.0);
  parallel_for(p.batch * chunks, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      double* sum = moments.data() + i * 2 * p.channels;
      add_moments(p.x + start_of(i), rows_of(i % chunks), p.channels, sum, sum + p.channels);
    }
  });
  std::vector<float> affine(p.batch * 2 * p.channels);
  for (int64_t b = 0; b < p.batch; ++b) {
    double* total = moments.data() + b * chunks * 2 * p.channels;
    for (int64_t i = 1; i < chunks; ++i)
      for (int64_t c = 0; c < 2 * p.channels; ++c) total[c] += total[i * 2 * p.channels + c];
    float* factor = affine.data() + b * 2 * p.channels;
    make_affine(p, b, total, total + p.channels, factor, factor + p.channels);
  }
  parallel_for(p.batch * chunks, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* factor = affine.data() + i / chunks * 2 * p.channels;
      apply_affine(p.x + start_of(i), p.out + start_of(i), rows_of(i % chunks), p.channels, factor,
                   factor + p.channels, p.silu);
    }
  });
}

template <class T>
void geglu(const T* in, T* out, int64_t rows, int64_t width, const ParallelFor& parallel_for) {
  parallel_for(rows, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < width; c += kLanes) {
        const __mmask16 mask = first_lanes(width - c);
        const T* at = in + r * 2 * width + c;
        store(out + r * width + c, mask, _mm512_mul_ps(load(at, mask), gelu(load(at + width, mask))));
      }
  });
}

}  // namespace

bool kernels_available() {
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

void run_group_norm(const GroupNormProblem<Bf16>& p, const ParallelFor& f) { group_norm(p, f); }
void run_group_norm(const GroupNormProblem<float>& p, const ParallelFor& f) { group_norm(p, f); }

void run_geglu(const Bf16* in, Bf16* out, int64_t rows, int64_t width, const ParallelFor& f) {
  geglu(in, out, rows, width, f);
}
void run_geglu(const float* in, float* out, int64_t rows, int64_t width, const ParallelFor& f) {
  geglu(in, out, rows, width, f);
}

}  // namespace invokeai::nn

#else

#include "base/result.h"

namespace invokeai::nn {

bool kernels_available() { return false; }

void run_group_norm(const GroupNormProblem<Bf16>&, const ParallelFor&) { INVOKEAI_CHECK(false); }
void run_group_norm(const GroupNormProblem<float>&, const ParallelFor&) { INVOKEAI_CHECK(false); }
void run_geglu(const Bf16*, Bf16*, std::int64_t, std::int64_t, const ParallelFor&) {
  INVOKEAI_CHECK(false);
}
void run_geglu(const float*, float*, std::int64_t, std::int64_t, const ParallelFor&) {
  INVOKEAI_CHECK(false);
}

}  // namespace invokeai::nn

#endif
