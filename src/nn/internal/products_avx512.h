#pragma once
// What the kernels made of matrix products share: included where AVX-512 may be used, so every file
// has its own copy.

#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

#include "nn/internal/vectors_avx512.h"

namespace invokeai::nn {
namespace {

using std::int64_t;

constexpr int kRegisters = kPackedColumns / kLanes;  // that a row of the result takes
constexpr int kRows = 6;                             // rows a product computes at once
constexpr int64_t kBlock = 96;                       // rows of a block, about
constexpr __mmask16 kAll = 0xffff;

/// What one thread works in: rows of the left side, products, and weights made for the moment.
class Scratch {
 public:
  template <class T>
  T* rows(int64_t count) {
    return static_cast<T*>(grow(rows_, rows_size_, count * static_cast<int64_t>(sizeof(T))));
  }
  float* products(int64_t count) {
    return static_cast<float*>(
        grow(products_, products_size_, count * static_cast<int64_t>(sizeof(float))));
  }
  template <class T>
  T* weights(int64_t count) {
    return static_cast<T*>(grow(weights_, weights_size_, count * static_cast<int64_t>(sizeof(T))));
  }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  using Memory = std::unique_ptr<void, Free>;

  static void* grow(Memory& memory, int64_t& size, int64_t wanted) {
    if (wanted > size) {
      memory.reset();
      size = (wanted + 4095) / 4096 * 4096;
      memory.reset(std::aligned_alloc(4096, static_cast<std::size_t>(size)));
      if (!memory) size = 0, throw std::bad_alloc();
    }
    return memory.get();
  }

  Memory rows_, products_, weights_;
  int64_t rows_size_ = 0, products_size_ = 0, weights_size_ = 0;
};

inline Scratch& scratch_of_thread() {
  static thread_local Scratch scratch;
  return scratch;
}

// One step of a product: a step of bfloat16 takes two channels, one of f32 one.
struct Half {
  using Element = Bf16;
  static constexpr int64_t kStep = 2;
  static __m512 broadcast(const Bf16* a) {
    return _mm512_castsi512_ps(_mm512_set1_epi32(*reinterpret_cast<const int*>(a)));
  }
  static __m512 load_weights(const Bf16* b) { return _mm512_loadu_ps(b); }
  static void split_step(const Bf16* b, __m512* channels) {
    const __m512i both = _mm512_loadu_si512(b);
    channels[0] = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    channels[1] = _mm512_castsi512_ps(
        _mm512_and_si512(both, _mm512_set1_epi32(static_cast<int>(0xffff0000))));
  }
  static __m512 add_product(__m512 sum, __m512 a, __m512 b) {
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
  }
};
struct Full {
  using Element = float;
  static constexpr int64_t kStep = 1;
  static __m512 broadcast(const float* a) { return _mm512_set1_ps(*a); }
  static __m512 load_weights(const float* b) { return _mm512_loadu_ps(b); }
  static void split_step(const float* b, __m512* channels) { channels[0] = _mm512_loadu_ps(b); }
  static __m512 add_product(__m512 sum, __m512 a, __m512 b) { return _mm512_fmadd_ps(a, b, sum); }
};

template <class T>
using Arithmetic = std::conditional_t<std::is_same_v<T, Bf16>, Half, Full>;

/// Rows [rows, depth] that lie `stride` apart, and `depth` channels of a weight in steps of 64
/// columns.
template <class T>
struct Factors {
  const T* a;
  int64_t stride;
  const T* weight;
  int64_t depth;
};

/// out [ROWS, 64] = the product, or that more.
template <class T, int ROWS, bool MORE>
void multiply_rows(const Factors<T>& f, float* out) {
  using A = Arithmetic<T>;
  const T* weight = f.weight;
  __m512 sum[ROWS][kRegisters];
  for (int r = 0; r < ROWS; ++r)
    for (int j = 0; j < kRegisters; ++j)
      sum[r][j] =
          MORE ? _mm512_loadu_ps(out + r * kPackedColumns + j * kLanes) : _mm512_setzero_ps();
  for (int64_t k = 0; k < f.depth; k += A::kStep, weight += A::kStep * kPackedColumns) {
    __m512 b[kRegisters];
    for (int j = 0; j < kRegisters; ++j) b[j] = A::load_weights(weight + j * A::kStep * kLanes);
    for (int r = 0; r < ROWS; ++r) {
      const __m512 x = A::broadcast(f.a + r * f.stride + k);
      for (int j = 0; j < kRegisters; ++j) sum[r][j] = A::add_product(sum[r][j], x, b[j]);
    }
  }
  for (int r = 0; r < ROWS; ++r)
    for (int j = 0; j < kRegisters; ++j)
      _mm512_storeu_ps(out + r * kPackedColumns + j * kLanes, sum[r][j]);
}

template <class T, bool MORE = false>
void multiply(Factors<T> f, float* out, int64_t rows) {
  for (; rows >= kRows; rows -= kRows, f.a += kRows * f.stride, out += kRows * kPackedColumns)
    multiply_rows<T, kRows, MORE>(f, out);
  switch (rows) {
    case 5:
      return multiply_rows<T, 5, MORE>(f, out);
    case 4:
      return multiply_rows<T, 4, MORE>(f, out);
    case 3:
      return multiply_rows<T, 3, MORE>(f, out);
    case 2:
      return multiply_rows<T, 2, MORE>(f, out);
    case 1:
      return multiply_rows<T, 1, MORE>(f, out);
    default:
      return;
  }
}

/// Rows of a block: about kBlock, a multiple of kRows unless there are fewer.
inline int64_t rows_of_block(int64_t rows) {
  const int64_t blocks = std::max<int64_t>(1, (rows + kBlock / 2) / kBlock);
  return ((rows + blocks - 1) / blocks + kRows - 1) / kRows * kRows;
}

/// Number `place` of each of 16 rows that lie `stride` apart.
__m512 across(const float* x, int64_t place, __m512i offsets) {
  return _mm512_i32gather_ps(offsets, x + place, 4);
}
__m512 across(const Bf16* x, int64_t place, __m512i offsets) {
  // Reads the number before as well, or, at the very beginning, the one behind: nothing beyond the
  // end.
  const __m512i words = _mm512_i32gather_epi32(offsets, x + (place > 0 ? place - 1 : 0), 2);
  const __m512i upper =
      place > 0 ? _mm512_and_si512(words, _mm512_set1_epi32(static_cast<int>(0xffff0000)))
                : _mm512_slli_epi32(words, 16);
  return _mm512_castsi512_ps(upper);
}

void store_step(float* to, const __m512* u) { _mm512_storeu_ps(to, u[0]); }
void store_step(Bf16* to, const __m512* u) {
  const __m512i even = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(u[0]));
  const __m512i odd = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(u[1]));
  _mm512_storeu_si512(to, _mm512_or_si512(even, _mm512_slli_epi32(odd, 16)));
}

/// `offsets` of `across` for rows of `stride` numbers.
inline __m512i row_offsets(int64_t stride) {
  const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  return _mm512_mullo_epi32(lanes, _mm512_set1_epi32(static_cast<int>(stride)));
}

}  // namespace
}  // namespace invokeai::nn
