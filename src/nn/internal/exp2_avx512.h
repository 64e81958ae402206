#pragma once
// For the attention kernels alone: included where AVX-512 may be used, so every file has its own copy.

#include <immintrin.h>

namespace invokeai::nn {

/// 2^x for x <= 0, relative error 7.5e-5, far below the rounding to bfloat16 that follows. The
/// minimax polynomial of 2^f on [0,1) times 2^floor(x).
static inline __m512 exp2_fast(__m512 x) {
  const __m512 f = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  __m512 p = _mm512_fmadd_ps(f, _mm512_set1_ps(0.0780245195f), _mm512_set1_ps(0.226067178f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.695833522f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.999925221f));
  return _mm512_scalef_ps(p, x);
}

}  // namespace invokeai::nn
