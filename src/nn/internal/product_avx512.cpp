// Compiled for AVX512-BF16 where the compiler can (src/nn/CMakeLists.txt), and used only where the
// processor can too: kernels_available().

#include "nn/internal/kernels.h"

#ifdef __AVX512BF16__

#include <algorithm>

#include "nn/internal/products_avx512.h"

namespace invokeai::nn {
namespace {

/// Rows that lie in memory as they are multiplied.
template <class T>
struct PlainRows {
  const T* x;
  int64_t in;
  const T* gather(int64_t first, int64_t, Scratch&) const { return x + first * in; }
};

/// The 3x3 surroundings of each pixel of the result, side by side.
template <class T>
class Surroundings {
 public:
  explicit Surroundings(const ConvolutionProblem<T>& p)
      : p_(p), height_(convolved(p.height)), width_(convolved(p.width)) {}

  int64_t rows() const { return p_.batch * height_ * width_; }

  const T* gather(int64_t first, int64_t count, Scratch& scratch) const {
    T* const begin = scratch.rows<T>(count * 9 * p_.in);
    T* to = begin;
    for (int64_t row = first; row < first + count; ++row)
      for (int64_t i = 0; i < 9; ++i, to += p_.in) gather_pixel(row, i / 3, i % 3, to);
    return begin;
  }

 private:
  int64_t convolved(int64_t side) const { return (side + 2 * p_.padding - 3) / p_.stride + 1; }

  void gather_pixel(int64_t row, int64_t i, int64_t j, T* to) const {
    const int64_t y = row / width_ % height_ * p_.stride + i - p_.padding;
    const int64_t x = row % width_ * p_.stride + j - p_.padding;
    const bool inside = y >= 0 && y < p_.height && x >= 0 && x < p_.width;
    const int64_t batch = row / (height_ * width_);
    if (inside)
      std::copy_n(p_.x + ((batch * p_.height + y) * p_.width + x) * p_.in, p_.in, to);
    else
      std::fill_n(to, p_.in, T{});
  }

  const ConvolutionProblem<T>& p_;
  int64_t height_, width_;
};

/// Products [rows, 64] of the columns from `column` on into the result.
template <class T>
void finish(const float* from, const Outcome<T>& to, int64_t out, int64_t first, int64_t rows,
            int64_t column) {
  __m512 bias[kRegisters];
  for (int j = 0; j < kRegisters; ++j)
    bias[j] = to.bias ? load(to.bias + column + j * kLanes, kAll) : _mm512_setzero_ps();
  for (int64_t row = first; row < first + rows; ++row, from += kPackedColumns)
    for (int j = 0; j < kRegisters; ++j) {
      const int64_t place = row * out + column + j * kLanes;
      __m512 sum = _mm512_add_ps(_mm512_loadu_ps(from + j * kLanes), bias[j]);
      if (to.addend) sum = _mm512_add_ps(sum, load(to.addend + place, kAll));
      store(to.result + place, kAll, sum);
    }
}

/// in: numbers of a row.
template <class T, class Rows>
void multiply_all(const Rows& rows, int64_t count, int64_t in, int64_t out, const T* weight,
                  const Outcome<T>& to, const ParallelFor& parallel_for) {
  const int64_t most = rows_of_block(count), blocks = (count + most - 1) / most;
  const int64_t columns = out / kPackedColumns;
  // A job is a block of rows and 64 columns of its result; those of one block come in a row.
  parallel_for(blocks * columns, [&](int64_t begin, int64_t end) {
    Scratch& scratch = scratch_of_thread();
    float* products = scratch.products(most * kPackedColumns);
    const T* left = nullptr;
    for (int64_t job = begin; job < end; ++job) {
      const int64_t first = job / columns * most, height = std::min(most, count - first);
      if (job == begin || job % columns == 0) left = rows.gather(first, height, scratch);
      const int64_t column = job % columns * kPackedColumns;
      multiply<T>({left, in, weight + column * in, in}, products, height);
      finish(products, to, out, first, height, column);
    }
  });
}

template <class T>
void multiply_plain(const ProductProblem<T>& p, const ParallelFor& parallel_for) {
  multiply_all(PlainRows<T>{p.x, p.in}, p.rows, p.in, p.out, p.weight, p.outcome, parallel_for);
}

template <class T>
void convolve(const ConvolutionProblem<T>& p, const ParallelFor& parallel_for) {
  const Surroundings<T> rows(p);
  multiply_all(rows, rows.rows(), 9 * p.in, p.out, p.weight, p.outcome, parallel_for);
}

/// in: even.
template <class T>
void pack(const T* weight, T* packed, int64_t in, int64_t out, int64_t points,
          const ParallelFor& parallel_for) {
  constexpr int64_t kStep = Arithmetic<T>::kStep;
  const __m512i offsets = row_offsets(points * in);
  parallel_for(out / kLanes, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin * kLanes; first < end * kLanes; first += kLanes) {
      const T* rows = weight + first * points * in;
      T* to = packed + first / kPackedColumns * points * in * kPackedColumns +
              first % kPackedColumns * kStep;
      if (points == 1) {  // a step lies together already
        const __m512i steps = row_offsets(in / kStep);
        for (int64_t c = 0; c < in; c += kStep, to += kStep * kPackedColumns)
          _mm512_storeu_si512(to, _mm512_i32gather_epi32(steps, rows + c, 4));
        continue;
      }
      for (int64_t c = 0; c < in; c += kStep, to += kStep * kPackedColumns)
        for (int64_t i = 0; i < points; ++i) {
          __m512 step[kStep];
          for (int64_t s = 0; s < kStep; ++s) step[s] = across(rows, points * (c + s) + i, offsets);
          store_step(to + i * in * kPackedColumns, step);
        }
    }
  });
}

}  // namespace

void run_product(const ProductProblem<Bf16>& p, const ParallelFor& parallel_for) {
  multiply_plain(p, parallel_for);
}
void run_product(const ProductProblem<float>& p, const ParallelFor& parallel_for) {
  multiply_plain(p, parallel_for);
}

void run_convolution(const ConvolutionProblem<Bf16>& p, const ParallelFor& parallel_for) {
  convolve(p, parallel_for);
}
void run_convolution(const ConvolutionProblem<float>& p, const ParallelFor& parallel_for) {
  convolve(p, parallel_for);
}

void run_pack(const Bf16* weight, Bf16* packed, int64_t in, int64_t out, int64_t points,
              const ParallelFor& parallel_for) {
  pack(weight, packed, in, out, points, parallel_for);
}
void run_pack(const float* weight, float* packed, int64_t in, int64_t out, int64_t points,
              const ParallelFor& parallel_for) {
  pack(weight, packed, in, out, points, parallel_for);
}

}  // namespace invokeai::nn

#else

#include "base/result.h"

namespace invokeai::nn {

void run_product(const ProductProblem<Bf16>&, const ParallelFor&) { INVOKEAI_CHECK(false); }
void run_product(const ProductProblem<float>&, const ParallelFor&) { INVOKEAI_CHECK(false); }
void run_convolution(const ConvolutionProblem<Bf16>&, const ParallelFor&) { INVOKEAI_CHECK(false); }
void run_convolution(const ConvolutionProblem<float>&, const ParallelFor&) {
  INVOKEAI_CHECK(false);
}
void run_pack(const Bf16*, Bf16*, std::int64_t, std::int64_t, std::int64_t, const ParallelFor&) {
  INVOKEAI_CHECK(false);
}
void run_pack(const float*, float*, std::int64_t, std::int64_t, std::int64_t, const ParallelFor&) {
  INVOKEAI_CHECK(false);
}

}  // namespace invokeai::nn

#endif
