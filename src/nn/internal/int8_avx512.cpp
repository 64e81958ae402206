// Between numbers and their 8-bit forms, in as few passes over memory as can be. Compiled and used as
// pointwise_avx512.cpp.

#include "nn/internal/kernels.h"

#ifdef __AVX512BF16__

#include <cmath>
#include <vector>

#include "nn/internal/vectors_avx512.h"

namespace invokeai::nn {
namespace {

using std::int64_t;
using std::uint8_t;

constexpr int kZero = 128;               // of rows
constexpr int64_t kChunk = int64_t{1} << 14;  // numbers of one piece of work

/// round(x * inverse) + zero within 0..255, to the even neighbour when halfway.
void store_rounded(uint8_t* out, __mmask16 mask, __m512 x, __m512 inverse, __m512i zero) {
  const __m512i q = _mm512_add_epi32(_mm512_cvtps_epi32(_mm512_mul_ps(x, inverse)), zero);
  _mm512_mask_cvtusepi32_storeu_epi8(out, mask, _mm512_max_epi32(q, _mm512_setzero_si512()));
}

/// Rounds one row; `most` is its largest magnitude. Returns its scale.
template <class T>
float round_row(const T* x, uint8_t* out, int64_t width, float most) {
  const float scale = most > 0 ? most / 127 : 1;
  const __m512 inverse = _mm512_set1_ps(1 / scale);
  const __m512i zero = _mm512_set1_epi32(kZero);
  for (int64_t c = 0; c < width; c += kLanes) {
    const __mmask16 mask = first_lanes(width - c);
    store_rounded(out + c, mask, load(x + c, mask), inverse, zero);
  }
  return scale;
}

template <class T>
void quantize_rows(const T* x, uint8_t* out, float* scales, int64_t rows, int64_t width,
                   const ParallelFor& parallel_for) {
  parallel_for(rows, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      __m512 most = _mm512_setzero_ps();
      for (int64_t c = 0; c < width; c += kLanes)
        most = _mm512_max_ps(most, _mm512_abs_ps(load(x + r * width + c, first_lanes(width - c))));
      scales[r] = round_row(x + r * width, out + r * width, width, _mm512_reduce_max_ps(most));
    }
  });
}

/// x * scale + bias of one register.
template <class T>
__m512 finished(const T* x, const float* bias, __mmask16 mask, __m512 scale) {
  const __m512 offset = bias != nullptr ? load(bias, mask) : _mm512_setzero_ps();
  return _mm512_fmadd_ps(load(x, mask), scale, offset);
}

const float* at(const float* bias, int64_t column) { return bias != nullptr ? bias + column : nullptr; }

template <class T>
void finish_rows(T* y, const float* scales, const float* bias, const T* addend, int64_t rows,
                 int64_t width, const ParallelFor& parallel_for) {
  parallel_for(rows, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const __m512 scale = _mm512_set1_ps(scales[r]);
      T* row = y + r * width;
      for (int64_t c = 0; c < width; c += kLanes) {
        const __mmask16 mask = first_lanes(width - c);
        __m512 v = finished(row + c, at(bias, c), mask, scale);
        if (addend != nullptr) v = _mm512_add_ps(v, load(addend + r * width + c, mask));
        store(row + c, mask, v);
      }
    }
  });
}

template <class T>
void finish_geglu_quantize(const T* x, const float* scales, const float* bias, uint8_t* out,
                           float* out_scales, int64_t rows, int64_t width,
                           const ParallelFor& parallel_for) {
  parallel_for(rows, [&](int64_t begin, int64_t end) {
    std::vector<float> gated(width);
    for (int64_t r = begin; r < end; ++r) {
      const __m512 scale = _mm512_set1_ps(scales[r]);
      const T* row = x + r * 2 * width;
      __m512 most = _mm512_setzero_ps();
      for (int64_t c = 0; c < width; c += kLanes) {
        const __mmask16 mask = first_lanes(width - c);
        const __m512 y = _mm512_mul_ps(finished(row + c, at(bias, c), mask, scale),
                                       gelu(finished(row + width + c, at(bias, width + c), mask, scale)));
        store(gated.data() + c, mask, y);
        most = _mm512_max_ps(most, _mm512_maskz_mov_ps(mask, _mm512_abs_ps(y)));
      }
      out_scales[r] = round_row(gated.data(), out + r * width, width, _mm512_reduce_max_ps(most));
    }
  });
}

int64_t chunks_of(int64_t count) { return (count + kChunk - 1) / kChunk; }

template <class T>
Range range(const T* x, int64_t count, const ParallelFor& parallel_for) {
  std::vector<Range> ranges(chunks_of(count));
  parallel_for(chunks_of(count), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i * kChunk, last = std::min(count, first + kChunk);
      __m512 low = _mm512_set1_ps(INFINITY), high = _mm512_set1_ps(-INFINITY);
      for (int64_t c = first; c < last; c += kLanes) {
        const __mmask16 mask = first_lanes(last - c);
        const __m512 v = load(x + c, mask);
        low = _mm512_mask_min_ps(low, mask, low, v);
        high = _mm512_mask_max_ps(high, mask, high, v);
      }
      ranges[i] = {_mm512_reduce_min_ps(low), _mm512_reduce_max_ps(high)};
    }
  });
  Range all = ranges.front();
  for (const Range& part : ranges)
    all = {std::min(all.low, part.low), std::max(all.high, part.high)};
  return all;
}

template <class T>
void quantize(const T* x, uint8_t* out, int64_t count, float scale, int zero,
              const ParallelFor& parallel_for) {
  const __m512 inverse = _mm512_set1_ps(1 / scale);
  const __m512i offset = _mm512_set1_epi32(zero);
  parallel_for(chunks_of(count), [&](int64_t begin, int64_t end) {
    const int64_t last = std::min(count, end * kChunk);
    for (int64_t c = begin * kChunk; c < last; c += kLanes) {
      const __mmask16 mask = first_lanes(last - c);
      store_rounded(out + c, mask, load(x + c, mask), inverse, offset);
    }
  });
}

}  // namespace

void run_quantize_rows(const Bf16* x, uint8_t* out, float* scales, int64_t rows, int64_t width,
                       const ParallelFor& f) {
  quantize_rows(x, out, scales, rows, width, f);
}
void run_quantize_rows(const float* x, uint8_t* out, float* scales, int64_t rows, int64_t width,
                       const ParallelFor& f) {
  quantize_rows(x, out, scales, rows, width, f);
}
void run_finish_rows(Bf16* y, const float* scales, const float* bias, const Bf16* addend, int64_t rows,
                     int64_t width, const ParallelFor& f) {
  finish_rows(y, scales, bias, addend, rows, width, f);
}
void run_finish_rows(float* y, const float* scales, const float* bias, const float* addend,
                     int64_t rows, int64_t width, const ParallelFor& f) {
  finish_rows(y, scales, bias, addend, rows, width, f);
}
void run_finish_geglu_quantize(const Bf16* x, const float* scales, const float* bias, uint8_t* out,
                               float* out_scales, int64_t rows, int64_t width, const ParallelFor& f) {
  finish_geglu_quantize(x, scales, bias, out, out_scales, rows, width, f);
}
void run_finish_geglu_quantize(const float* x, const float* scales, const float* bias, uint8_t* out,
                               float* out_scales, int64_t rows, int64_t width, const ParallelFor& f) {
  finish_geglu_quantize(x, scales, bias, out, out_scales, rows, width, f);
}
Range run_range(const Bf16* x, int64_t count, const ParallelFor& f) { return range(x, count, f); }
Range run_range(const float* x, int64_t count, const ParallelFor& f) { return range(x, count, f); }
void run_quantize(const Bf16* x, uint8_t* out, int64_t count, float scale, int zero,
                  const ParallelFor& f) {
  quantize(x, out, count, scale, zero, f);
}
void run_quantize(const float* x, uint8_t* out, int64_t count, float scale, int zero,
                  const ParallelFor& f) {
  quantize(x, out, count, scale, zero, f);
}

}  // namespace invokeai::nn

#else

#include "base/result.h"

namespace invokeai::nn {

using std::int64_t;
using std::uint8_t;

#define INVOKEAI_NO_KERNEL \
  { INVOKEAI_CHECK(false); }

void run_quantize_rows(const Bf16*, uint8_t*, float*, int64_t, int64_t, const ParallelFor&)
    INVOKEAI_NO_KERNEL
void run_quantize_rows(const float*, uint8_t*, float*, int64_t, int64_t, const ParallelFor&)
    INVOKEAI_NO_KERNEL
void run_finish_rows(Bf16*, const float*, const float*, const Bf16*, int64_t, int64_t,
                     const ParallelFor&) INVOKEAI_NO_KERNEL
void run_finish_rows(float*, const float*, const float*, const float*, int64_t, int64_t,
                     const ParallelFor&) INVOKEAI_NO_KERNEL
void run_finish_geglu_quantize(const Bf16*, const float*, const float*, uint8_t*, float*, int64_t,
                               int64_t, const ParallelFor&) INVOKEAI_NO_KERNEL
void run_finish_geglu_quantize(const float*, const float*, const float*, uint8_t*, float*, int64_t,
                               int64_t, const ParallelFor&) INVOKEAI_NO_KERNEL
Range run_range(const Bf16*, int64_t, const ParallelFor&) INVOKEAI_NO_KERNEL
Range run_range(const float*, int64_t, const ParallelFor&) INVOKEAI_NO_KERNEL
void run_quantize(const Bf16*, uint8_t*, int64_t, float, int, const ParallelFor&) INVOKEAI_NO_KERNEL
void run_quantize(const float*, uint8_t*, int64_t, float, int, const ParallelFor&) INVOKEAI_NO_KERNEL

}  // namespace invokeai::nn

#endif
