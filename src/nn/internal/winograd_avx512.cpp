// Compiled for AVX512-BF16 where the compiler can (src/nn/CMakeLists.txt), and used only where the
// processor can too: kernels_available().

#include "nn/internal/kernels.h"

#ifdef __AVX512BF16__

#include <algorithm>

#include "nn/internal/products_avx512.h"

namespace invokeai::nn {
namespace {

constexpr int64_t kTilesAtOnce = 128;  // that share weights transformed as they are met
constexpr int64_t kDepth = 640;        // channels of such weights at a time

__m512 plus(__m512 a, __m512 b) { return _mm512_add_ps(a, b); }
__m512 minus(__m512 a, __m512 b) { return _mm512_sub_ps(a, b); }

/// The two sizes of the transform. A tile of 2x2 results is made from SIDE x SIDE numbers, before
/// and after the product.
struct Plain {
  static constexpr int kSide = 4;
  static constexpr int kStride = 2;  // pixels of the input from tile to tile
  static void forward(__m512& a, __m512& b, __m512& c, __m512& d) {
    const __m512 first = minus(a, c), second = plus(b, c), third = minus(c, b),
                 fourth = minus(b, d);
    a = first, b = second, c = third, d = fourth;
  }
  static void back(const __m512* m, int step, __m512& first, __m512& second) {
    first = plus(plus(m[0], m[step]), m[2 * step]);
    second = minus(minus(m[step], m[2 * step]), m[3 * step]);
  }
};
/// Of a map enlarged to twice its size, whose pixels are equal in pairs: the third number of Plain
/// is 0 then, and never computed.
struct Enlarged {
  static constexpr int kSide = 3;
  static constexpr int kStride = 1;
  static void back(const __m512* m, int step, __m512& first, __m512& second) {
    first = plus(m[0], m[step]);
    second = minus(m[step], m[2 * step]);
  }
};

void transform(__m512 (&d)[4][4]) {
  for (int j = 0; j < 4; ++j) Plain::forward(d[0][j], d[1][j], d[2][j], d[3][j]);
  for (auto& row : d) Plain::forward(row[0], row[1], row[2], row[3]);
}

void transform(__m512 (&d)[3][3]) {
  const auto forward = [](__m512& a, __m512& b, __m512& c) {
    const __m512 first = minus(a, b), third = minus(b, c);
    a = first, b = plus(b, b), c = third;
  };
  for (int j = 0; j < 3; ++j) forward(d[0][j], d[1][j], d[2][j]);
  for (auto& row : d) forward(row[0], row[1], row[2]);
}

/// Everything about one convolution, tile by tile.
template <class T, class Size>
class Convolution {
 public:
  explicit Convolution(const ConvolutionProblem<T>& p)
      : p_(p),
        out_height_(Size::kStride == 1 ? 2 * p.height : p.height + 2 * p.padding - 2),
        out_width_(Size::kStride == 1 ? 2 * p.width : p.width + 2 * p.padding - 2),
        tiles_high_((out_height_ + 1) / 2),
        tiles_wide_((out_width_ + 1) / 2) {}

  int64_t tiles() const { return p_.batch * tiles_high_ * tiles_wide_; }

  /// Tiles `first` and on into [kPoints][count][in].
  void gather(int64_t first, int64_t count, T* to) const {
    for (int64_t t = 0; t < count; ++t) gather_tile(first + t, to + t * p_.in, count * p_.in);
  }

  /// One tile into kPoints rows [in] that lie `stride` apart.
  void gather_tile(int64_t tile, T* to, int64_t stride) const {
    constexpr int kSide = Size::kSide;
    const Place at = place(tile);
    const T* pixels[kSide][kSide];
    for (int i = 0; i < kSide; ++i)
      for (int j = 0; j < kSide; ++j) {
        const int64_t y = Size::kStride * at.y + i - p_.padding,
                      x = Size::kStride * at.x + j - p_.padding;
        const bool inside = y >= 0 && y < p_.height && x >= 0 && x < p_.width;
        pixels[i][j] = inside ? p_.x + ((at.row * p_.height + y) * p_.width + x) * p_.in : nullptr;
      }
    for (int64_t c = 0; c < p_.in; c += kLanes) {
      __m512 d[kSide][kSide];
      for (int i = 0; i < kSide; ++i)
        for (int j = 0; j < kSide; ++j)
          d[i][j] = pixels[i][j] ? load(pixels[i][j] + c, kAll) : _mm512_setzero_ps();
      transform(d);
      for (int i = 0; i < kSide; ++i)
        for (int j = 0; j < kSide; ++j) store(to + (i * kSide + j) * stride + c, kAll, d[i][j]);
    }
  }

  /// Products [kPoints][count][64] of the columns from `column` on into the result.
  void scatter(int64_t first, int64_t count, int64_t column, const float* from) const {
    for (int64_t t = 0; t < count; ++t)
      scatter_tile(first + t, column, from + t * kPackedColumns, count * kPackedColumns);
  }

  static constexpr int kPoints = Size::kSide * Size::kSide;

 private:
  struct Place {
    int64_t row, y, x;
  };
  Place place(int64_t tile) const {
    return {tile / (tiles_high_ * tiles_wide_), tile / tiles_wide_ % tiles_high_,
            tile % tiles_wide_};
  }

  void scatter_tile(int64_t tile, int64_t column, const float* from, int64_t stride) const {
    constexpr int kSide = Size::kSide;
    const Place at = place(tile);
    const Outcome<T>& to = p_.outcome;
    for (int64_t c = 0; c < kPackedColumns; c += kLanes) {
      __m512 m[kSide * kSide];
      for (int i = 0; i < kSide * kSide; ++i) m[i] = _mm512_loadu_ps(from + i * stride + c);
      __m512 rows[2][kSide];
      for (int j = 0; j < kSide; ++j) Size::back(m + j, kSide, rows[0][j], rows[1][j]);
      __m512 y[2][2];
      for (int i = 0; i < 2; ++i) Size::back(rows[i], 1, y[i][0], y[i][1]);
      const __m512 bias = to.bias ? load(to.bias + column + c, kAll) : _mm512_setzero_ps();
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j) {
          if (2 * at.y + i >= out_height_ || 2 * at.x + j >= out_width_) continue;
          const int64_t pixel = (at.row * out_height_ + 2 * at.y + i) * out_width_ + 2 * at.x + j;
          const int64_t place = pixel * p_.out + column + c;
          __m512 sum = plus(y[i][j], bias);
          if (to.addend) sum = plus(sum, load(to.addend + place, kAll));
          store(to.result + place, kAll, sum);
        }
    }
  }

  const ConvolutionProblem<T>& p_;
  int64_t out_height_, out_width_, tiles_high_, tiles_wide_;
};

template <class T, class Size>
void convolve(const ConvolutionProblem<T>& p, const ParallelFor& parallel_for) {
  using Shape = Convolution<T, Size>;
  constexpr int kPoints = Shape::kPoints;
  const Shape shape(p);
  const int64_t tiles = shape.tiles();
  const int64_t most = rows_of_block(tiles), blocks = (tiles + most - 1) / most;
  const int64_t columns = p.out / kPackedColumns;
  // A job is a block of tiles and 64 channels of its result; those of one block come in a row.
  parallel_for(blocks * columns, [&](int64_t begin, int64_t end) {
    Scratch& scratch = scratch_of_thread();
    T* gathered = scratch.rows<T>(kPoints * most * p.in);
    float* products = scratch.products(kPoints * most * kPackedColumns);
    int64_t block = -1;
    for (int64_t job = begin; job < end; ++job) {
      const int64_t first = job / columns * most, count = std::min(most, tiles - first);
      if (block != job / columns) shape.gather(first, count, gathered);
      block = job / columns;
      const int64_t column = job % columns;
      for (int i = 0; i < kPoints; ++i)
        multiply<T>({gathered + i * count * p.in, p.in,
                     p.weight + (column * kPoints + i) * p.in * kPackedColumns, p.in},
                    products + i * count * kPackedColumns, count);
      shape.scatter(first, count, column * kPackedColumns, products);
    }
  });
}

/// The 3x3 weights of one input for 16 results, before and after.
template <class Size>
void transform_weights(const __m512 (&g)[3][3], __m512 (&u)[Size::kSide][Size::kSide]) {
  const __m512 half = _mm512_set1_ps(0.5f);
  const auto spread = [half](__m512 a, __m512 b, __m512 c, __m512* to, int step) {
    const __m512 ends = plus(a, c);
    int i = 0;
    to[step * i++] = a;
    to[step * i++] = _mm512_mul_ps(half, plus(ends, b));
    if constexpr (Size::kSide == 4) to[step * i++] = _mm512_mul_ps(half, minus(ends, b));
    to[step * i] = c;
  };
  __m512 rows[Size::kSide][3];
  for (int j = 0; j < 3; ++j) spread(g[0][j], g[1][j], g[2][j], &rows[0][j], 3);
  for (int i = 0; i < Size::kSide; ++i) spread(rows[i][0], rows[i][1], rows[i][2], u[i], 1);
}

/// The 3x3 weights of one step for 16 results, transformed, into kSide x kSide points that lie
/// `stride` apart.
template <class T, class Size>
void store_transformed(const __m512 (&g)[Arithmetic<T>::kStep][3][3], T* to, int64_t stride) {
  constexpr int kSide = Size::kSide;
  constexpr int64_t kStep = Arithmetic<T>::kStep;
  __m512 u[kStep][kSide][kSide];
  for (int64_t s = 0; s < kStep; ++s) transform_weights<Size>(g[s], u[s]);
  for (int i = 0; i < kSide * kSide; ++i) {
    __m512 step[kStep];
    for (int64_t s = 0; s < kStep; ++s) step[s] = u[s][i / kSide][i % kSide];
    store_step(to + i * stride, step);
  }
}

/// 64 columns of weights as run_pack makes them, [9][in][64], channels `first` to first + depth,
/// into [16][depth][64].
template <class T>
void transform_packed(const T* weight, int64_t in, int64_t first, int64_t depth, T* to) {
  constexpr int64_t kStep = Arithmetic<T>::kStep;
  const T* from = weight + first * kPackedColumns;
  for (int64_t place = 0; place < depth * kPackedColumns; place += kStep * kLanes) {
    __m512 g[kStep][3][3];
    for (int i = 0; i < 9; ++i) {
      __m512 channels[kStep];
      Arithmetic<T>::split_step(from + i * in * kPackedColumns + place, channels);
      for (int64_t s = 0; s < kStep; ++s) g[s][i / 3][i % 3] = channels[s];
    }
    store_transformed<T, Plain>(g, to + place, depth * kPackedColumns);
  }
}

/// `count` tiles from `first` on, with weights that are transformed as they are met: once for all
/// of the tiles.
template <class T>
void convolve_tiles(const Convolution<T, Plain>& shape, const ConvolutionProblem<T>& p,
                    int64_t first, int64_t count, const ParallelFor& parallel_for) {
  constexpr int kPoints = Convolution<T, Plain>::kPoints;
  T* const gathered = scratch_of_thread().rows<T>(kPoints * count * p.in);
  parallel_for(count, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      shape.gather_tile(first + t, gathered + t * p.in, count * p.in);
  });
  const int64_t depth = std::min(p.in, kDepth);
  parallel_for(p.out / kPackedColumns, [&](int64_t begin, int64_t end) {
    Scratch& scratch = scratch_of_thread();
    float* const products = scratch.products(kPoints * count * kPackedColumns);
    T* const weights = scratch.weights<T>(kPoints * depth * kPackedColumns);
    for (int64_t column = begin; column < end; ++column) {
      const T* packed = p.weight + column * 9 * p.in * kPackedColumns;
      for (int64_t c = 0; c < p.in; c += depth) {
        const int64_t now = std::min(depth, p.in - c);
        transform_packed(packed, p.in, c, now, weights);
        for (int i = 0; i < kPoints; ++i) {
          const Factors<T> factors{gathered + i * count * p.in + c, p.in,
                                   weights + i * now * kPackedColumns, now};
          float* const to = products + i * count * kPackedColumns;
          if (c == 0)
            multiply<T, false>(factors, to, count);
          else
            multiply<T, true>(factors, to, count);
        }
      }
      shape.scatter(first, count, column * kPackedColumns, products);
    }
  });
}

template <class T>
void convolve_compact(const ConvolutionProblem<T>& p, const ParallelFor& parallel_for) {
  const Convolution<T, Plain> shape(p);
  for (int64_t first = 0; first < shape.tiles(); first += kTilesAtOnce)
    convolve_tiles(shape, p, first, std::min(kTilesAtOnce, shape.tiles() - first), parallel_for);
}

template <class T, class Size>
void pack(const T* weight, T* packed, int64_t in, int64_t out, const ParallelFor& parallel_for) {
  constexpr int64_t kStep = Arithmetic<T>::kStep;
  constexpr int kSide = Size::kSide;
  const __m512i offsets = row_offsets(9 * in);
  parallel_for(out / kLanes, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin * kLanes; first < end * kLanes; first += kLanes) {
      const T* rows = weight + first * 9 * in;
      T* to = packed + first / kPackedColumns * kSide * kSide * in * kPackedColumns +
              first % kPackedColumns * kStep;
      for (int64_t c = 0; c < in; c += kStep, to += kStep * kPackedColumns) {
        __m512 g[kStep][3][3];
        for (int64_t s = 0; s < kStep; ++s)
          for (int i = 0; i < 9; ++i) g[s][i / 3][i % 3] = across(rows, 9 * (c + s) + i, offsets);
        store_transformed<T, Size>(g, to, in * kPackedColumns);
      }
    }
  });
}

}  // namespace

void run_pack_winograd(const Bf16* weight, Bf16* packed, int64_t in, int64_t out, bool enlarged,
                       const ParallelFor& parallel_for) {
  (enlarged ? pack<Bf16, Enlarged> : pack<Bf16, Plain>)(weight, packed, in, out, parallel_for);
}
void run_pack_winograd(const float* weight, float* packed, int64_t in, int64_t out, bool enlarged,
                       const ParallelFor& parallel_for) {
  (enlarged ? pack<float, Enlarged> : pack<float, Plain>)(weight, packed, in, out, parallel_for);
}

void run_compact_winograd(const ConvolutionProblem<Bf16>& p, const ParallelFor& parallel_for) {
  convolve_compact(p, parallel_for);
}
void run_compact_winograd(const ConvolutionProblem<float>& p, const ParallelFor& parallel_for) {
  convolve_compact(p, parallel_for);
}

void run_winograd(const ConvolutionProblem<Bf16>& p, const ParallelFor& parallel_for) {
  (p.enlarged ? convolve<Bf16, Enlarged> : convolve<Bf16, Plain>)(p, parallel_for);
}
void run_winograd(const ConvolutionProblem<float>& p, const ParallelFor& parallel_for) {
  (p.enlarged ? convolve<float, Enlarged> : convolve<float, Plain>)(p, parallel_for);
}

}  // namespace invokeai::nn

#else

#include "base/result.h"

namespace invokeai::nn {

void run_winograd(const ConvolutionProblem<Bf16>&, const ParallelFor&) { INVOKEAI_CHECK(false); }
void run_winograd(const ConvolutionProblem<float>&, const ParallelFor&) { INVOKEAI_CHECK(false); }
void run_compact_winograd(const ConvolutionProblem<Bf16>&, const ParallelFor&) {
  INVOKEAI_CHECK(false);
}
void run_compact_winograd(const ConvolutionProblem<float>&, const ParallelFor&) {
  INVOKEAI_CHECK(false);
}
void run_pack_winograd(const Bf16*, Bf16*, std::int64_t, std::int64_t, bool, const ParallelFor&) {
  INVOKEAI_CHECK(false);
}
void run_pack_winograd(const float*, float*, std::int64_t, std::int64_t, bool, const ParallelFor&) {
  INVOKEAI_CHECK(false);
}

}  // namespace invokeai::nn

#endif
