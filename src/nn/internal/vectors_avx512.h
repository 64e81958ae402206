#pragma once
// For the pointwise kernels alone: included where AVX-512 may be used, so every file has its own copy.

#include <immintrin.h>

#include <algorithm>
#include <cstdint>

#include "nn/internal/kernels.h"

namespace invokeai::nn {

constexpr int kLanes = 16;  // f32 in a register

static inline __mmask16 first_lanes(std::int64_t count) {
  return static_cast<__mmask16>((1u << std::min<std::int64_t>(count, kLanes)) - 1);
}

static inline __m512 load(const float* x, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, x); }
static inline __m512 load(const Bf16* x, __mmask16 mask) {
  const __m256i bits = _mm256_maskz_loadu_epi16(mask, x);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
static inline void store(float* x, __mmask16 mask, __m512 y) { _mm512_mask_storeu_ps(x, mask, y); }
static inline void store(Bf16* x, __mmask16 mask, __m512 y) {
  _mm256_mask_storeu_epi16(x, mask, (__m256i)_mm512_cvtneps_pbh(y));
}

/// e^x, relative error 3e-6: 2^f by a minimax polynomial of degree 4 on [0,1), times 2^floor.
static inline __m512 exp_fast(__m512 x) {
  const __m512 t = _mm512_mul_ps(x, _mm512_set1_ps(1.44269504f));
  const __m512 f = _mm512_reduce_ps(t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  __m512 p = _mm512_fmadd_ps(f, _mm512_set1_ps(0.0135341676f), _mm512_set1_ps(0.0520114639f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.241442753f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.693003836f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.00000259f));
  return _mm512_scalef_ps(p, t);
}

/// 1/x to the last bit or two: an estimate and one step of Newton, four times as fast as a division.
static inline __m512 reciprocal(__m512 x) {
  const __m512 r = _mm512_rcp14_ps(x);
  return _mm512_mul_ps(r, _mm512_fnmadd_ps(x, r, _mm512_set1_ps(2)));
}

static inline __m512 silu(__m512 x) {
  // Below -87 the exponential would overflow; the product is 0 there to any precision.
  const __m512 e = exp_fast(_mm512_min_ps(_mm512_sub_ps(_mm512_setzero_ps(), x), _mm512_set1_ps(87)));
  return _mm512_mul_ps(x, reciprocal(_mm512_add_ps(_mm512_set1_ps(1), e)));
}

/// x/2 (1 + erf(x/sqrt 2)), absolute error of erf 1.5e-7 beside that of e^x. Source: Abramowitz &
/// Stegun 1964, formula 7.1.26.
static inline __m512 gelu(__m512 x) {
  const __m512 one = _mm512_set1_ps(1);
  const __m512 z = _mm512_mul_ps(_mm512_abs_ps(x), _mm512_set1_ps(0.70710678f));
  const __m512 t = reciprocal(_mm512_fmadd_ps(z, _mm512_set1_ps(0.3275911f), one));
  __m512 p = _mm512_fmadd_ps(t, _mm512_set1_ps(1.061405429f), _mm512_set1_ps(-1.453152027f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(1.421413741f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-0.284496736f));
  p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.254829592f));
  const __m512 gauss = exp_fast(_mm512_max_ps(_mm512_sub_ps(_mm512_setzero_ps(), _mm512_mul_ps(z, z)),
                                              _mm512_set1_ps(-87)));
  const __m512 rest = _mm512_mul_ps(_mm512_mul_ps(p, t), gauss);  // 1 - erf(|x|/sqrt 2)
  const __m512 half = _mm512_mul_ps(x, _mm512_set1_ps(0.5f));
  const __m512 magnitude = _mm512_abs_ps(half);
  // half (1 + sign(x) (1 - rest)) = half + |half| (1 - rest)
  return _mm512_add_ps(half, _mm512_fnmadd_ps(magnitude, rest, magnitude));
}

}  // namespace invokeai::nn
