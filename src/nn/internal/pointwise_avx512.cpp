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
    if (p.moments) {
      p.moments[2 * (b * p.groups + g)] = static_cast<float>(mean);
      p.moments[2 * (b * p.groups + g) + 1] = static_cast<float>(scale);
    }
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

/// Pictures cut into pieces of kRowsAtOnce pixels, for sums that are the same on any number of
/// threads.
struct Pieces {
  int64_t batch, pixels, channels, each = (pixels + kRowsAtOnce - 1) / kRowsAtOnce;

  /// work(picture, first element, pixels, piece's number) for all of them.
  template <class Work>
  void for_all(const ParallelFor& parallel_for, const Work& work) const {
    parallel_for(batch * each, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = i % each * kRowsAtOnce;
        work(i / each, (i / each * pixels + row) * channels, std::min(kRowsAtOnce, pixels - row),
             i);
      }
    });
  }

  /// `add(first element, pixels, sums)` sums up `count` numbers a channel, for every picture's
  /// pieces one after the other. [batch, count, channels]
  template <class Add>
  std::vector<double> sums(int64_t count, const ParallelFor& parallel_for, const Add& add) const {
    const int64_t width = count * channels;
    std::vector<double> partial(batch * each * width, 0.0), out(batch * width, 0.0);
    for_all(parallel_for, [&](int64_t b, int64_t first, int64_t rows, int64_t piece) {
      add(b, first, rows, partial.data() + piece * width);
    });
    for (int64_t piece = 0; piece < batch * each; ++piece)
      for (int64_t c = 0; c < width; ++c)
        out[piece / each * width + c] += partial[piece * width + c];
    return out;
  }
};

template <class T>
void group_norm(const GroupNormProblem<T>& p, const ParallelFor& parallel_for) {
  const Pieces pieces{p.batch, p.pixels, p.channels};
  const auto moments =
      pieces.sums(2, parallel_for, [&](int64_t, int64_t first, int64_t rows, double* sum) {
        add_moments(p.x + first, rows, p.channels, sum, sum + p.channels);
      });
  std::vector<float> affine(p.batch * 2 * p.channels);
  for (int64_t b = 0; b < p.batch; ++b) {
    const double* sum = moments.data() + b * 2 * p.channels;
    float* factor = affine.data() + b * 2 * p.channels;
    make_affine(p, b, sum, sum + p.channels, factor, factor + p.channels);
  }
  pieces.for_all(parallel_for, [&](int64_t b, int64_t first, int64_t rows, int64_t) {
    const float* factor = affine.data() + b * 2 * p.channels;
    apply_affine(p.x + first, p.out + first, rows, p.channels, factor, factor + p.channels, p.silu);
  });
}

/// The error's gradient by y = x * factor + offset, from that by the result.
template <bool kSilu>
__m512 gradient_by_affine(__m512 gradient, __m512 x, __m512 factor, __m512 offset) {
  if constexpr (!kSilu) return gradient;
  const __m512 y = _mm512_fmadd_ps(x, factor, offset), one = _mm512_set1_ps(1);
  const __m512 e =
      exp_fast(_mm512_min_ps(_mm512_sub_ps(_mm512_setzero_ps(), y), _mm512_set1_ps(87)));
  const __m512 sigmoid = reciprocal(_mm512_add_ps(one, e));
  // d/dy y s(y) = s (1 + y (1 - s))
  return _mm512_mul_ps(
      gradient, _mm512_mul_ps(sigmoid, _mm512_fmadd_ps(y, _mm512_sub_ps(one, sigmoid), one)));
}

/// For one picture: what its channels were multiplied by and what was added.
struct Affine {
  const float *factor, *offset;
};

/// Adds for each channel: the gradients by y, those times x, and x.
template <bool kSilu, class T>
void add_gradients(const T* x, const T* gradient, int64_t rows, int64_t channels, Affine affine,
                   double* sums) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    const __mmask16 mask = first_lanes(channels - c);
    const __m512 factor = load(affine.factor + c, mask), offset = load(affine.offset + c, mask);
    __m512 sum[3] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
    for (int64_t r = 0; r < rows; ++r) {
      const __m512 v = load(x + r * channels + c, mask);
      const __m512 s =
          gradient_by_affine<kSilu>(load(gradient + r * channels + c, mask), v, factor, offset);
      sum[0] = _mm512_add_ps(sum[0], s);
      sum[1] = _mm512_fmadd_ps(s, v, sum[1]);
      sum[2] = _mm512_add_ps(sum[2], v);
    }
    alignas(64) float lanes[kLanes];
    for (int i = 0; i < 3; ++i) {
      _mm512_store_ps(lanes, sum[i]);
      for (int64_t k = 0; k < std::min<int64_t>(kLanes, channels - c); ++k)
        sums[i * channels + c + k] += lanes[k];
    }
  }
}

/// The gradient by x = the gradient by y * k[0] + x * k[1] + k[2], each k one number a channel.
template <bool kSilu, class T>
void apply_gradients(const T* x, const T* gradient, T* out, int64_t rows, int64_t channels,
                     Affine affine, const float* k) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    const __mmask16 mask = first_lanes(channels - c);
    const __m512 factor = load(affine.factor + c, mask), offset = load(affine.offset + c, mask);
    const __m512 k0 = load(k + c, mask), k1 = load(k + channels + c, mask),
                 k2 = load(k + 2 * channels + c, mask);
    for (int64_t r = 0; r < rows; ++r) {
      const __m512 v = load(x + r * channels + c, mask);
      const __m512 s =
          gradient_by_affine<kSilu>(load(gradient + r * channels + c, mask), v, factor, offset);
      store(out + r * channels + c, mask, _mm512_fmadd_ps(s, k0, _mm512_fmadd_ps(v, k1, k2)));
    }
  }
}

/// With n the normed value, N how many numbers a group has and sums over it: the gradient by x is
/// (w s - mean(w s) - n mean(w s n)) / deviation. Writes that as k[0..2] for apply_gradients and
/// adds to the gradients by weight, bias and shift. `sums`: of add_gradients, for picture b.
template <class T>
void turn_back(const GroupNormGradients<T>& p, int64_t b, const double* sums, float* k,
               std::vector<double>& weight_gradient, std::vector<double>& bias_gradient) {
  const GroupNormProblem<T>& norm = p.norm;
  const int64_t channels = norm.channels, width = channels / norm.groups;
  const auto pixels = static_cast<double>(norm.pixels);
  const double *by_y = sums, *by_y_times_x = sums + channels, *of_x = sums + 2 * channels;
  for (int64_t g = 0; g < norm.groups; ++g) {
    const double mean = norm.moments[2 * (b * norm.groups + g)],
                 scale = norm.moments[2 * (b * norm.groups + g) + 1];
    const auto lift = [&](int64_t c) {  // n = (x + lift) * scale
      return (norm.shift ? value(norm.shift[b * channels + c]) : 0) - mean;
    };
    double mean_gradient = 0, mean_product = 0;
    for (int64_t c = g * width; c < (g + 1) * width; ++c) {
      const double product = scale * (by_y_times_x[c] + lift(c) * by_y[c]);
      weight_gradient[c] += product;
      bias_gradient[c] += by_y[c];
      mean_gradient += value(norm.weight[c]) * by_y[c] / (pixels * static_cast<double>(width));
      mean_product += value(norm.weight[c]) * product / (pixels * static_cast<double>(width));
    }
    for (int64_t c = g * width; c < (g + 1) * width; ++c) {
      const double k0 = scale * value(norm.weight[c]), k1 = -scale * scale * mean_product,
                   k2 = -scale * mean_gradient + k1 * lift(c);
      k[c] = static_cast<float>(k0);
      k[channels + c] = static_cast<float>(k1);
      k[2 * channels + c] = static_cast<float>(k2);
      if (p.shift_gradient)
        p.shift_gradient[b * channels + c] =
            static_cast<float>(k0 * by_y[c] + k1 * of_x[c] + k2 * pixels);
    }
  }
}

template <bool kSilu, class T>
void group_norm_gradients(const GroupNormGradients<T>& p, const ParallelFor& parallel_for) {
  const GroupNormProblem<T>& norm = p.norm;
  const int64_t channels = norm.channels;
  std::vector<float> affines(norm.batch * 2 * channels), k(norm.batch * 3 * channels);
  const auto affine_of = [&](int64_t b) {
    return Affine{affines.data() + b * 2 * channels, affines.data() + (b * 2 + 1) * channels};
  };
  for (int64_t b = 0; b < norm.batch; ++b)
    for (int64_t c = 0; c < channels; ++c) {
      const float* moments = norm.moments + 2 * (b * norm.groups + c / (channels / norm.groups));
      const float shift = norm.shift ? value(norm.shift[b * channels + c]) : 0;
      const float factor = moments[1] * value(norm.weight[c]);
      affines[b * 2 * channels + c] = factor;
      affines[(b * 2 + 1) * channels + c] = value(norm.bias[c]) + (shift - moments[0]) * factor;
    }
  const Pieces pieces{norm.batch, norm.pixels, channels};
  const auto sums =
      pieces.sums(3, parallel_for, [&](int64_t b, int64_t first, int64_t rows, double* sum) {
        add_gradients<kSilu>(norm.x + first, p.gradient + first, rows, channels, affine_of(b), sum);
      });
  std::vector<double> weight_gradient(channels, 0.0), bias_gradient(channels, 0.0);
  for (int64_t b = 0; b < norm.batch; ++b)
    turn_back(p, b, sums.data() + b * 3 * channels, k.data() + b * 3 * channels, weight_gradient,
              bias_gradient);
  for (int64_t c = 0; c < channels; ++c) {
    p.weight_gradient[c] = static_cast<float>(weight_gradient[c]);
    p.bias_gradient[c] = static_cast<float>(bias_gradient[c]);
  }
  pieces.for_all(parallel_for, [&](int64_t b, int64_t first, int64_t rows, int64_t) {
    apply_gradients<kSilu>(norm.x + first, p.gradient + first, p.x_gradient + first, rows, channels,
                           affine_of(b), k.data() + b * 3 * channels);
  });
}

template <class T>
void group_norm_gradients(const GroupNormGradients<T>& p, const ParallelFor& parallel_for) {
  (p.norm.silu ? group_norm_gradients<true, T> : group_norm_gradients<false, T>)(p, parallel_for);
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

void run_group_norm_gradients(const GroupNormGradients<Bf16>& p, const ParallelFor& f) {
  group_norm_gradients(p, f);
}
void run_group_norm_gradients(const GroupNormGradients<float>& p, const ParallelFor& f) {
  group_norm_gradients(p, f);
}

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
void run_group_norm_gradients(const GroupNormGradients<Bf16>&, const ParallelFor&) {
  INVOKEAI_CHECK(false);
}
void run_group_norm_gradients(const GroupNormGradients<float>&, const ParallelFor&) {
  INVOKEAI_CHECK(false);
}
void run_geglu(const Bf16*, Bf16*, std::int64_t, std::int64_t, const ParallelFor&) {
  INVOKEAI_CHECK(false);
}
void run_geglu(const float*, float*, std::int64_t, std::int64_t, const ParallelFor&) {
  INVOKEAI_CHECK(false);
}

}  // namespace invokeai::nn

#endif
