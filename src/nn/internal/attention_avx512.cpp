// Compiled for AVX512-BF16 where the compiler can (src/nn/CMakeLists.txt), and used only where the
// processor can too: kernels_available().

#include "nn/internal/kernels.h"

#ifdef __AVX512BF16__

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#include "nn/internal/exp2_avx512.h"

namespace invokeai::nn {
namespace {

using std::int64_t;
using std::uint32_t;

constexpr int kLanes = 16;        // f32 in a register
constexpr int kQueryBlock = 48;   // rows of a task: its scores and sums stay in the first caches
constexpr int kKeyBlock = 128;    // keys between two looks at the row maximum
constexpr int kGroups = kKeyBlock / kLanes;
constexpr float kMasked = -1e30f; // score of a key that does not exist; finite, so never NaN

int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

__m512bh as_bf16(__m512i bits) { return (__m512bh)bits; }

/// Two neighbouring bfloat16 numbers, copied to all lanes.
__m512bh broadcast_pair(const Bf16* pair) {
  int bits;
  std::memcpy(&bits, pair, sizeof bits);
  return as_bf16(_mm512_set1_epi32(bits));
}

/// Keys and values of one head in the order the kernel reads them; missing keys are zero.
///   keys    [groups of 16 keys][width/2][16 keys] pairs of neighbouring numbers
///   values  [pairs of keys][columns] pairs of one column, columns a multiple of 16
struct PackedHead {
  std::vector<uint32_t> keys, values;
};

void pack_head(const AttentionProblem& p, int64_t b, int64_t h, PackedHead& out) {
  const int64_t pairs = p.width / 2, columns = round_up(p.width, kLanes);
  const int64_t padded = round_up(p.keys, kLanes);
  out.keys.assign(padded * pairs, 0);
  out.values.assign(padded / 2 * columns, 0);
  const Bf16* k = p.k + b * p.k_strides.batch + h * p.k_strides.head;
  const Bf16* v = p.v + b * p.v_strides.batch + h * p.v_strides.head;
  for (int64_t t = 0; t < p.keys; ++t) {
    const Bf16* row = k + t * p.k_strides.token;
    uint32_t* group = out.keys.data() + t / kLanes * pairs * kLanes + t % kLanes;
    for (int64_t j = 0; j < pairs; ++j) std::memcpy(group + j * kLanes, row + 2 * j, sizeof *group);
  }
  for (int64_t t = 0; t < p.keys; t += 2) {
    const Bf16* even = v + t * p.v_strides.token;
    const Bf16* odd = t + 1 < p.keys ? even + p.v_strides.token : nullptr;
    uint32_t* row = out.values.data() + t / 2 * columns;
    for (int64_t c = 0; c < p.width; ++c)
      row[c] = even[c].bits | (odd != nullptr ? static_cast<uint32_t>(odd[c].bits) << 16 : 0);
  }
}

/// What one thread needs for a block of queries.
struct Scratch {
  alignas(64) float scores[kQueryBlock][kKeyBlock];
  alignas(64) Bf16 probabilities[kQueryBlock][kKeyBlock];
  alignas(64) float block_maximum[kQueryBlock][kLanes];
  alignas(64) float sums[kQueryBlock][kLanes];  // of the probabilities, one a lane
  float maximum[kQueryBlock];                   // of the scaled scores so far, in powers of two
  std::vector<float> out;                       // [kQueryBlock][columns], not yet divided
};

/// Scores of ROWS queries against GROUPS * 16 keys, and the maximum over them by lane.
template <int ROWS, int GROUPS>
void score_tile(const Bf16* q, int64_t q_stride, const uint32_t* keys, int64_t pairs,
                __mmask16 last_group, bool first, float (*scores)[kKeyBlock],
                float (*maximum)[kLanes]) {
  __m512 sum[ROWS][GROUPS];
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 8
    for (int g = 0; g < GROUPS; ++g) sum[r][g] = _mm512_setzero_ps();
  for (int64_t j = 0; j < pairs; ++j) {
    __m512bh key[GROUPS];
#pragma GCC unroll 8
    for (int g = 0; g < GROUPS; ++g)
      key[g] = as_bf16(_mm512_loadu_si512(keys + (g * pairs + j) * kLanes));
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r) {
      const __m512bh query = broadcast_pair(q + r * q_stride + 2 * j);
#pragma GCC unroll 8
      for (int g = 0; g < GROUPS; ++g) sum[r][g] = _mm512_dpbf16_ps(sum[r][g], query, key[g]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; ++r) {
    sum[r][GROUPS - 1] =
        _mm512_mask_mov_ps(_mm512_set1_ps(kMasked), last_group, sum[r][GROUPS - 1]);
    __m512 most = first ? _mm512_set1_ps(kMasked) : _mm512_load_ps(maximum[r]);
#pragma GCC unroll 8
    for (int g = 0; g < GROUPS; ++g) {
      most = _mm512_max_ps(most, sum[r][g]);
      _mm512_store_ps(scores[r] + g * kLanes, sum[r][g]);
    }
    _mm512_store_ps(maximum[r], most);
  }
}

/// Adds probabilities times values to ROWS rows of sums, for FULL * 16 columns and, with HALF, 8 more.
template <int ROWS, int FULL, bool HALF>
void value_tile(const Bf16 (*probabilities)[kKeyBlock], const uint32_t* values, int64_t columns,
                int64_t pairs, float* out) {
  __m512 sum[ROWS][FULL + 1];
  __m256 half[ROWS];
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < FULL; ++c) sum[r][c] = _mm512_loadu_ps(out + r * columns + c * kLanes);
    if constexpr (HALF) half[r] = _mm256_loadu_ps(out + r * columns + FULL * kLanes);
  }
  for (int64_t j = 0; j < pairs; ++j) {
    const uint32_t* row = values + j * columns;
    __m512bh value[FULL + 1];
    __m256bh half_value{};
#pragma GCC unroll 8
    for (int c = 0; c < FULL; ++c) value[c] = as_bf16(_mm512_loadu_si512(row + c * kLanes));
    if constexpr (HALF)
      half_value = (__m256bh)_mm256_loadu_si256(
          reinterpret_cast<const __m256i*>(row + FULL * kLanes));
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r) {
      const __m512bh probability = broadcast_pair(probabilities[r] + 2 * j);
#pragma GCC unroll 8
      for (int c = 0; c < FULL; ++c) sum[r][c] = _mm512_dpbf16_ps(sum[r][c], probability, value[c]);
      if constexpr (HALF)
        half[r] = _mm256_dpbf16_ps(half[r], (__m256bh)_mm512_castsi512_si256((__m512i)probability),
                                   half_value);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < FULL; ++c) _mm512_storeu_ps(out + r * columns + c * kLanes, sum[r][c]);
    if constexpr (HALF) _mm256_storeu_ps(out + r * columns + FULL * kLanes, half[r]);
  }
}

/// Calls `tile` with the largest row counts up to MOST that cover all rows: 6, 6, 6, 2.
template <int MOST, class Tile>
void for_row_tiles(int rows, const Tile& tile) {
  int r = 0;
  for (; rows - r >= MOST; r += MOST) tile(std::integral_constant<int, MOST>{}, r);
  if constexpr (MOST > 1)
    if (rows > r) for_row_tiles<MOST - 1>(rows - r, [&](auto count, int at) { tile(count, r + at); });
}

/// Rows that fit the 32 registers beside `width` registers of the other operand.
constexpr int rows_for(int width) { return width <= 3 ? 8 : width == 4 ? 6 : 5; }

template <int GROUPS>
void score_groups(const AttentionProblem& p, const Bf16* q, const uint32_t* keys, int rows,
                  int first_group, __mmask16 last_group, Scratch& s) {
  for_row_tiles<rows_for(GROUPS)>(rows, [&](auto count, int r) {
    score_tile<count, GROUPS>(
        q + r * p.q_strides.token, p.q_strides.token, keys, p.width / 2, last_group,
        first_group == 0,
        reinterpret_cast<float(*)[kKeyBlock]>(&s.scores[r][first_group * kLanes]),
        &s.block_maximum[r]);
  });
}

/// Scores of all rows of the block against `groups` groups of keys.
void score_block(const AttentionProblem& p, const Bf16* q, const uint32_t* keys, int rows,
                 int groups, __mmask16 last_group, Scratch& s) {
  for (int g = 0; g < groups;) {
    const int left = groups - g;
    const int now = left == 5 ? 5 : left == 6 ? 3 : std::min(left, 4);
    const __mmask16 mask = now == left ? last_group : __mmask16(0xffff);
    const uint32_t* at = keys + g * (p.width / 2) * kLanes;
    switch (now) {
      case 1: score_groups<1>(p, q, at, rows, g, mask, s); break;
      case 2: score_groups<2>(p, q, at, rows, g, mask, s); break;
      case 3: score_groups<3>(p, q, at, rows, g, mask, s); break;
      case 4: score_groups<4>(p, q, at, rows, g, mask, s); break;
      default: score_groups<5>(p, q, at, rows, g, mask, s); break;
    }
    g += now;
  }
}

/// Scores to probabilities; what was summed under a smaller maximum is scaled down.
void softmax_block(int rows, int groups, float scale2, int64_t columns, Scratch& s) {
  const __m512 scale = _mm512_set1_ps(scale2);
  for (int r = 0; r < rows; ++r) {
    const float most = scale2 * _mm512_reduce_max_ps(_mm512_load_ps(s.block_maximum[r]));
    __m512 sum = _mm512_load_ps(s.sums[r]);
    if (most > s.maximum[r]) {
      const __m512 shrink = _mm512_set1_ps(std::exp2(s.maximum[r] - most));
      s.maximum[r] = most;
      sum = _mm512_mul_ps(sum, shrink);
      float* out = s.out.data() + r * columns;
      for (int64_t c = 0; c < columns; c += kLanes)
        _mm512_storeu_ps(out + c, _mm512_mul_ps(_mm512_loadu_ps(out + c), shrink));
    }
    const __m512 shift = _mm512_set1_ps(-s.maximum[r]);
    for (int g = 0; g < groups; ++g) {
      const __m512 score = _mm512_load_ps(s.scores[r] + g * kLanes);
      const __m512 p = exp2_fast(_mm512_fmadd_ps(score, scale, shift));
      sum = _mm512_add_ps(sum, p);
      _mm256_store_si256(reinterpret_cast<__m256i*>(s.probabilities[r] + g * kLanes),
                         (__m256i)_mm512_cvtneps_pbh(p));
    }
    _mm512_store_ps(s.sums[r], sum);
  }
}

template <int FULL, bool HALF>
void value_columns(const uint32_t* values, int64_t columns, int64_t first, int rows, int64_t pairs,
                   Scratch& s) {
  for_row_tiles<rows_for(FULL + HALF)>(rows, [&](auto count, int r) {
    value_tile<count, FULL, HALF>(&s.probabilities[r], values + first, columns, pairs,
                                  s.out.data() + r * columns + first);
  });
}

/// Probabilities times values, a few registers of columns at a time.
void value_block(const uint32_t* values, int64_t width, int rows, int groups, Scratch& s) {
  const int64_t columns = round_up(width, kLanes), pairs = groups * kLanes / 2;
  for (int64_t first = 0; first < width;) {
    const int64_t left = width - first;
    const auto run = [&](auto tile, int64_t taken) {
      tile(values, columns, first, rows, pairs, s);
      first += taken;
    };
    if (left == 80) run(value_columns<5, false>, 80);
    else if (left == 160) run(value_columns<5, false>, 80);
    else if (left >= 64) run(value_columns<4, false>, 64);
    else if (left > 40) run(value_columns<3, false>, 48);
    else if (left > 32) run(value_columns<2, true>, 40);
    else if (left > 16) run(value_columns<2, false>, 32);
    else if (left > 8) run(value_columns<1, false>, 16);
    else run(value_columns<0, true>, 8);
  }
}

/// Divides by the sums and rounds.
void store_block(const AttentionProblem& p, int rows, Bf16* out, const Scratch& s) {
  const int64_t columns = round_up(p.width, kLanes);
  for (int r = 0; r < rows; ++r) {
    const __m512 norm = _mm512_set1_ps(1 / _mm512_reduce_add_ps(_mm512_load_ps(s.sums[r])));
    for (int64_t c = 0; c < p.width; c += kLanes) {
      const __m512 y = _mm512_mul_ps(_mm512_loadu_ps(s.out.data() + r * columns + c), norm);
      const auto mask = static_cast<__mmask16>((1u << std::min<int64_t>(kLanes, p.width - c)) - 1);
      _mm256_mask_storeu_epi16(out + r * p.out_strides.token + c, mask,
                               (__m256i)_mm512_cvtneps_pbh(y));
    }
  }
}

void attend_block(const AttentionProblem& p, const PackedHead& head, int64_t b, int64_t h,
                  int64_t first_query, Scratch& s) {
  const int rows = static_cast<int>(std::min<int64_t>(kQueryBlock, p.queries - first_query));
  const int64_t columns = round_up(p.width, kLanes);
  const Bf16* q = p.q + b * p.q_strides.batch + h * p.q_strides.head +
                      first_query * p.q_strides.token;
  s.out.assign(kQueryBlock * columns, 0.0f);
  std::memset(s.sums, 0, sizeof s.sums);
  std::fill_n(s.maximum, kQueryBlock, kMasked);
  const float scale2 = p.scale * 1.44269504f;  // log2(e): exponentials are powers of two
  for (int64_t key = 0; key < p.keys; key += kKeyBlock) {
    const int64_t here = std::min<int64_t>(kKeyBlock, p.keys - key);
    const int groups = static_cast<int>(round_up(here, kLanes) / kLanes);
    const int in_last = static_cast<int>(here - (groups - 1) * kLanes);
    score_block(p, q, head.keys.data() + key / 2 * p.width, rows, groups,
                static_cast<__mmask16>((1u << in_last) - 1), s);
    softmax_block(rows, groups, scale2, columns, s);
    value_block(head.values.data() + key / 2 * columns, p.width, rows, groups, s);
  }
  store_block(p, rows,
              p.out + b * p.out_strides.batch + h * p.out_strides.head +
                  first_query * p.out_strides.token,
              s);
}

}  // namespace

void run_attention_avx512(const AttentionProblem& p, const ParallelFor& parallel_for) {
  std::vector<PackedHead> packed(p.batch * p.heads);
  parallel_for(p.batch * p.heads, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) pack_head(p, i / p.heads, i % p.heads, packed[i]);
  });
  const int64_t blocks = (p.queries + kQueryBlock - 1) / kQueryBlock;
  parallel_for(p.batch * p.heads * blocks, [&](int64_t begin, int64_t end) {
    const auto scratch = std::make_unique<Scratch>();
    for (int64_t i = begin; i < end; ++i) {
      const int64_t head = i / blocks;
      attend_block(p, packed[head], head / p.heads, head % p.heads, i % blocks * kQueryBlock,
                   *scratch);
    }
  });
}

}  // namespace invokeai::nn

#else

#include "base/result.h"

namespace invokeai::nn {

void run_attention_avx512(const AttentionProblem&, const ParallelFor&) { INVOKEAI_CHECK(false); }

}  // namespace invokeai::nn

#endif
