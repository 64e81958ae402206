// Attention with AMX tiles. Compiled for AMX where the compiler can (src/nn/CMakeLists.txt), and used
// only where processor and kernel of the system can too: amx_available().
//
// Everything is transposed, so that a lane of a register is a query from the scores to the result:
// scores^T = K Q^T and result^T = V^T P^T. Maxima, sums and rescaling then need no work across lanes.

#include "nn/internal/kernels.h"

#if defined(__AMX_BF16__) && defined(__AVX512BF16__) && defined(__linux__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "nn/internal/exp2_avx512.h"

namespace invokeai::nn {
namespace {

using std::int64_t;
using std::uint32_t;

constexpr int kLanes = 16;             // f32 in a register, rows of a tile
constexpr int kDepth = 32;             // bfloat16 numbers in a row of a tile
constexpr int kTile = kLanes * kDepth; // bfloat16 numbers in a tile; f32 tiles hold half as many
constexpr int kHalves = 2;             // registers of queries worked on together
constexpr int kQueryTile = kHalves * kLanes;
constexpr int kKeyBlock = 128;         // keys between two looks at the maximum
constexpr int kSteps = kKeyBlock / kDepth;
constexpr float kMasked = -1e30f;      // maximum of no scores; finite, so never NaN

int64_t tiles(int64_t n, int64_t unit) { return (n + unit - 1) / unit; }

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};
template <class T>
using Memory = std::unique_ptr<T[], Free>;

template <class T>
Memory<T> allocate(int64_t count) {
  const int64_t bytes = tiles(count * static_cast<int64_t>(sizeof(T)), 64) * 64;
  return Memory<T>(static_cast<T*>(std::aligned_alloc(64, bytes)));
}

/// All eight tiles of 16 rows of 64 bytes.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// Tiles are configured as long as this lives.
class TileScope {
 public:
  TileScope() {
    const TileShapes shapes;
    asm volatile("ldtilecfg %0" : : "m"(shapes) : "memory");
  }
  ~TileScope() { _tile_release(); }
  TileScope(const TileScope&) = delete;
  TileScope& operator=(const TileScope&) = delete;
};

// The intrinsics of GCC 12 do not say that they read memory.
template <int TILE>
void load_tile(const void* from) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(int64_t{64}), "i"(TILE) : "memory");
}
template <int TILE>
void store_tile(void* to) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(int64_t{64}), "i"(TILE) : "memory");
}
template <int TILE>
void zero_tile() {
  asm volatile("tilezero %%tmm%c0" : : "i"(TILE));
}
/// SUM[m][n] += A[m][k] B[k][n], k in pairs.
template <int SUM, int A, int B>
void multiply_tiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(SUM), "i"(A), "i"(B));
}

/// rows[i][j] becomes rows[j][i].
void transpose(__m512i (&rows)[kLanes]) {
  __m512i t[kLanes];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 2; ++j) {
      rows[i + 2 * j] = _mm512_unpacklo_epi64(t[i + j], t[i + j + 2]);
      rows[i + 2 * j + 1] = _mm512_unpackhi_epi64(t[i + j], t[i + j + 2]);
    }
  for (int i = 0; i < 16; i += 8)
    for (int j = 0; j < 4; ++j) {
      t[i + j] = _mm512_shuffle_i32x4(rows[i + j], rows[i + j + 4], 0x88);
      t[i + j + 4] = _mm512_shuffle_i32x4(rows[i + j], rows[i + j + 4], 0xdd);
    }
  for (int j = 0; j < 8; ++j) {
    rows[j] = _mm512_shuffle_i32x4(t[j], t[j + 8], 0x88);
    rows[j + 8] = _mm512_shuffle_i32x4(t[j], t[j + 8], 0xdd);
  }
}

/// The first `count` of 32 bfloat16 numbers, the rest zero; all zero for no count.
__m512i load_numbers(const Bf16* from, int64_t count) {
  if (count <= 0) return _mm512_setzero_si512();
  const uint32_t mask = count >= kDepth ? ~0u : (1u << count) - 1;
  return _mm512_maskz_loadu_epi16(mask, from);
}

/// Keys and values of one head as tiles; what is missing to full tiles is zero.
///   keys    [key tile][step of 32 numbers] tiles [16 keys][32 numbers]
///   values  [step of 32 keys][column tile] tiles [16 columns][32 keys]
struct PackedHead {
  explicit PackedHead(const AttentionProblem& p)
      : key_steps(tiles(p.keys, kDepth)),
        depth_steps(tiles(p.width, kDepth)),
        column_tiles(tiles(p.width, kLanes)),
        keys(allocate<Bf16>(2 * key_steps * depth_steps * kTile)),
        values(allocate<Bf16>(key_steps * column_tiles * kTile)) {}

  int64_t key_steps, depth_steps, column_tiles;
  Memory<Bf16> keys, values;
};

void pack_keys(const AttentionProblem& p, const Bf16* k, PackedHead& out) {
  for (int64_t t = 0; t < out.key_steps * kDepth; ++t)
    for (int64_t step = 0; step < out.depth_steps; ++step) {
      const int64_t count = t < p.keys ? p.width - step * kDepth : 0;
      Bf16* tile = out.keys.get() + (t / kLanes * out.depth_steps + step) * kTile;
      _mm512_store_si512(tile + t % kLanes * kDepth,
                         load_numbers(k + t * p.k_strides.token + step * kDepth, count));
    }
}

void pack_values(const AttentionProblem& p, const Bf16* v, PackedHead& out) {
  for (int64_t step = 0; step < out.key_steps; ++step)
    for (int64_t column = 0; column < p.width; column += kLanes) {
      const auto row_of = [&](int64_t t) {  // 16 columns of a key, widened
        const int64_t count = t < p.keys ? std::min<int64_t>(kLanes, p.width - column) : 0;
        return _mm512_cvtepu16_epi32(_mm512_castsi512_si256(
            load_numbers(v + t * p.v_strides.token + column, count)));
      };
      __m512i pairs[kLanes];  // [pair of keys][column]
      for (int i = 0; i < kLanes; ++i) {
        const int64_t t = step * kDepth + 2 * i;
        pairs[i] = _mm512_or_si512(row_of(t), _mm512_slli_epi32(row_of(t + 1), 16));
      }
      transpose(pairs);
      Bf16* tile = out.values.get() + (step * out.column_tiles + column / kLanes) * kTile;
      for (int i = 0; i < kLanes; ++i) _mm512_store_si512(tile + i * kDepth, pairs[i]);
    }
}

void pack_head(const AttentionProblem& p, int64_t b, int64_t h, PackedHead& out) {
  pack_keys(p, p.k + b * p.k_strides.batch + h * p.k_strides.head, out);
  pack_values(p, p.v + b * p.v_strides.batch + h * p.v_strides.head, out);
}

/// 32 queries on their way through the keys. Tiles of `queries` are [16 pairs of numbers][16 queries],
/// those of `sums` [16 columns][16 queries].
struct QueryTile {
  QueryTile(int64_t depth_steps, int64_t column_tiles)
      : queries(allocate<Bf16>(kHalves * depth_steps * kTile)),
        sums(allocate<float>(kHalves * column_tiles * kTile / 2)) {}

  Memory<Bf16> queries;  // [half][step] tiles
  Memory<float> sums;    // [column tile][half] tiles of probabilities times values
  alignas(64) float maximum[kHalves][kLanes];  // of the scaled scores so far, in powers of two
  alignas(64) float total[kHalves][kLanes];    // of the probabilities
};

void start_tile(const AttentionProblem& p, const Bf16* q, int64_t rows, int64_t depth_steps,
                QueryTile& out) {
  for (int half = 0; half < kHalves; ++half) {
    _mm512_store_ps(out.maximum[half], _mm512_set1_ps(kMasked));
    _mm512_store_ps(out.total[half], _mm512_setzero_ps());
    for (int64_t step = 0; step < depth_steps; ++step) {
      __m512i numbers[kLanes];
      for (int i = 0; i < kLanes; ++i) {
        const int64_t row = half * kLanes + i;
        const int64_t count = row < rows ? p.width - step * kDepth : 0;
        numbers[i] = load_numbers(q + row * p.q_strides.token + step * kDepth, count);
      }
      transpose(numbers);
      Bf16* tile = out.queries.get() + (half * depth_steps + step) * kTile;
      for (int i = 0; i < kLanes; ++i) _mm512_store_si512(tile + i * kDepth, numbers[i]);
    }
  }
}

/// What a thread needs between the products of one block of keys and one tile of queries.
struct Scratch {
  alignas(64) float scores[kHalves][kKeyBlock][kLanes];
  alignas(64) Bf16 probabilities[kHalves][kSteps][kTile];  // tiles [16 pairs of keys][16 queries]
};

/// Scores of `steps` times 32 keys.
void score_block(const PackedHead& head, int64_t first_step, int steps, const QueryTile& tile,
                 Scratch& s) {
  const int64_t depth = head.depth_steps;
  for (int step = 0; step < steps; ++step) {
    const Bf16* low = head.keys.get() + 2 * (first_step + step) * depth * kTile;
    const Bf16* high = low + depth * kTile;
    const Bf16* left = tile.queries.get();
    const Bf16* right = left + depth * kTile;
    zero_tile<0>(), zero_tile<1>(), zero_tile<2>(), zero_tile<3>();
    for (int64_t i = 0; i < depth; ++i) {
      load_tile<4>(low + i * kTile);
      load_tile<6>(left + i * kTile);
      load_tile<7>(right + i * kTile);
      load_tile<5>(high + i * kTile);
      multiply_tiles<0, 4, 6>();
      multiply_tiles<1, 4, 7>();
      multiply_tiles<2, 5, 6>();
      multiply_tiles<3, 5, 7>();
    }
    store_tile<0>(s.scores[0][step * kDepth]);
    store_tile<1>(s.scores[1][step * kDepth]);
    store_tile<2>(s.scores[0][step * kDepth + kLanes]);
    store_tile<3>(s.scores[1][step * kDepth + kLanes]);
  }
}

/// Scales down what 16 queries have summed so far.
void shrink_sums(__m512 factor, int half, int64_t column_tiles, QueryTile& tile) {
  for (int64_t column = 0; column < column_tiles; ++column) {
    float* sums = tile.sums.get() + (column * kHalves + half) * kTile / 2;
    for (int i = 0; i < kLanes; ++i)
      _mm512_store_ps(sums + i * kLanes, _mm512_mul_ps(_mm512_load_ps(sums + i * kLanes), factor));
  }
}

__m512 largest_score(const float (*scores)[kLanes], int keys) {
  __m512 most[4];
  for (auto& m : most) m = _mm512_load_ps(scores[0]);
  int t = 0;
  for (; t + 4 <= keys; t += 4)
    for (int i = 0; i < 4; ++i) most[i] = _mm512_max_ps(most[i], _mm512_load_ps(scores[t + i]));
  for (; t < keys; ++t) most[0] = _mm512_max_ps(most[0], _mm512_load_ps(scores[t]));
  return _mm512_max_ps(_mm512_max_ps(most[0], most[1]), _mm512_max_ps(most[2], most[3]));
}

/// Two registers of f32, rounded to bfloat16 and put together in pairs.
__m512i round_pairs(__m512 even, __m512 odd) {
  const __m512i half = _mm512_set1_epi32(0x8000);
  const __m512i low = _mm512_add_epi32(_mm512_castps_si512(even), half);
  const __m512i high = _mm512_add_epi32(_mm512_castps_si512(odd), half);
  return _mm512_mask_mov_epi16(_mm512_srli_epi32(low, 16), 0xaaaaaaaa, high);
}

/// Scores of 16 queries against `keys` keys to probabilities; zero beyond them, to full steps.
void softmax_half(int half, int keys, float scale2, int64_t column_tiles, QueryTile& tile,
                  Scratch& s) {
  const float(*scores)[kLanes] = s.scores[half];
  const __m512 scale = _mm512_set1_ps(scale2);
  const __m512 before = _mm512_load_ps(tile.maximum[half]);
  const __m512 most = _mm512_max_ps(before, _mm512_mul_ps(scale, largest_score(scores, keys)));
  __m512 total = _mm512_load_ps(tile.total[half]);
  if (_mm512_cmp_ps_mask(most, before, _CMP_NEQ_OQ)) {
    const __m512 factor = exp2_fast(_mm512_sub_ps(before, most));
    total = _mm512_mul_ps(total, factor);
    shrink_sums(factor, half, column_tiles, tile);
    _mm512_store_ps(tile.maximum[half], most);
  }
  const auto probability = [&](int t) {
    return exp2_fast(_mm512_fmsub_ps(_mm512_load_ps(scores[t]), scale, most));
  };
  Bf16* out = s.probabilities[half][0];
  __m512 odd_total = _mm512_setzero_ps();
  int t = 0;
#pragma GCC unroll 2
  for (; t + 2 <= keys; t += 2) {
    const __m512 even = probability(t), odd = probability(t + 1);
    total = _mm512_add_ps(total, even);
    odd_total = _mm512_add_ps(odd_total, odd);
    _mm512_store_si512(out + t * kLanes, round_pairs(even, odd));
  }
  if (t < keys) {
    const __m512 even = probability(t);
    total = _mm512_add_ps(total, even);
    _mm512_store_si512(out + t * kLanes, round_pairs(even, _mm512_setzero_ps()));
    t += 2;
  }
  for (; t % kDepth != 0; t += 2) _mm512_store_si512(out + t * kLanes, _mm512_setzero_si512());
  _mm512_store_ps(tile.total[half], _mm512_add_ps(total, odd_total));
}

/// Adds probabilities times values for COUNT (1 or 2) tiles of columns.
template <int COUNT>
void value_columns(const Bf16* values, int64_t column_tiles, int steps, float* sums,
                   const Scratch& s) {
  constexpr int kFloats = kTile / 2;
  load_tile<0>(sums);
  load_tile<1>(sums + kFloats);
  if constexpr (COUNT == 2) load_tile<2>(sums + 2 * kFloats), load_tile<3>(sums + 3 * kFloats);
  for (int step = 0; step < steps; ++step) {
    const Bf16* at = values + step * column_tiles * kTile;
    load_tile<4>(at);
    load_tile<6>(s.probabilities[0][step]);
    load_tile<7>(s.probabilities[1][step]);
    if constexpr (COUNT == 2) load_tile<5>(at + kTile);
    multiply_tiles<0, 4, 6>();
    multiply_tiles<1, 4, 7>();
    if constexpr (COUNT == 2) multiply_tiles<2, 5, 6>(), multiply_tiles<3, 5, 7>();
  }
  store_tile<0>(sums);
  store_tile<1>(sums + kFloats);
  if constexpr (COUNT == 2) store_tile<2>(sums + 2 * kFloats), store_tile<3>(sums + 3 * kFloats);
}

void value_block(const PackedHead& head, int64_t first_step, int steps, QueryTile& tile,
                 const Scratch& s) {
  const Bf16* values = head.values.get() + first_step * head.column_tiles * kTile;
  int64_t column = 0;
  for (; column + 2 <= head.column_tiles; column += 2)
    value_columns<2>(values + column * kTile, head.column_tiles, steps,
                     tile.sums.get() + column * kTile, s);
  if (column < head.column_tiles)
    value_columns<1>(values + column * kTile, head.column_tiles, steps,
                     tile.sums.get() + column * kTile, s);
}

/// Divides by the totals and rounds.
void store_queries(const AttentionProblem& p, Bf16* out, int64_t rows, const QueryTile& tile) {
  for (int half = 0; half < kHalves; ++half) {
    const __m512 norm = _mm512_div_ps(_mm512_set1_ps(1), _mm512_load_ps(tile.total[half]));
    for (int64_t column = 0; column < p.width; column += kLanes) {
      const float* sums = tile.sums.get() + (column / kLanes * kHalves + half) * kTile / 2;
      __m512i numbers[kLanes];
      for (int i = 0; i < kLanes; ++i)
        numbers[i] = _mm512_castps_si512(_mm512_mul_ps(_mm512_load_ps(sums + i * kLanes), norm));
      transpose(numbers);
      const int64_t count = std::min<int64_t>(kLanes, p.width - column);
      const auto mask = static_cast<__mmask16>((1u << count) - 1);
      for (int64_t i = 0; i < std::min<int64_t>(kLanes, rows - half * kLanes); ++i)
        _mm256_mask_storeu_epi16(out + (half * kLanes + i) * p.out_strides.token + column, mask,
                                 (__m256i)_mm512_cvtneps_pbh(_mm512_castsi512_ps(numbers[i])));
    }
  }
}

/// Tiles of queries that go through the keys together: more for wide heads, whose keys and values
/// do not stay in the second cache between two tiles.
int tiles_together(int64_t width) { return width > 160 ? 4 : 1; }

void attend_block(const AttentionProblem& p, const PackedHead& head, int64_t b, int64_t h,
                  int64_t first_query, QueryTile* tile, int most, Scratch& s) {
  const Bf16* q = p.q + b * p.q_strides.batch + h * p.q_strides.head;
  Bf16* out = p.out + b * p.out_strides.batch + h * p.out_strides.head;
  const int count = static_cast<int>(
      std::min<int64_t>(most, tiles(p.queries - first_query, kQueryTile)));
  const auto row_of = [&](int i) { return first_query + i * kQueryTile; };
  for (int i = 0; i < count; ++i) {
    start_tile(p, q + row_of(i) * p.q_strides.token, p.queries - row_of(i), head.depth_steps, tile[i]);
    std::fill_n(tile[i].sums.get(), kHalves * head.column_tiles * kTile / 2, 0.0f);
  }
  const float scale2 = p.scale * 1.44269504f;  // log2(e): exponentials are powers of two
  for (int64_t key = 0; key < p.keys; key += kKeyBlock) {
    const int here = static_cast<int>(std::min<int64_t>(kKeyBlock, p.keys - key));
    const int steps = static_cast<int>(tiles(here, kDepth));
    for (int i = 0; i < count; ++i) {
      score_block(head, key / kDepth, steps, tile[i], s);
      for (int half = 0; half < kHalves; ++half)
        softmax_half(half, here, scale2, head.column_tiles, tile[i], s);
      value_block(head, key / kDepth, steps, tile[i], s);
    }
  }
  for (int i = 0; i < count; ++i)
    store_queries(p, out + row_of(i) * p.out_strides.token, p.queries - row_of(i), tile[i]);
}

constexpr int kRequestPermission = 0x1023, kTileData = 18;  // of arch_prctl, see the kernel's x86/xstate

bool ask_for_tiles() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const bool tile = d >> 24 & 1, bf16 = d >> 22 & 1;
  return tile && bf16 && kernels_available() &&
         syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

bool amx_available() {
  static const bool available = ask_for_tiles();
  return available;
}

void run_attention_amx(const AttentionProblem& p, const ParallelFor& parallel_for) {
  const int most = tiles_together(p.width);
  const int64_t blocks = tiles(p.queries, most * kQueryTile);
  parallel_for(p.batch * p.heads * blocks, [&](int64_t begin, int64_t end) {
    const TileScope scope;
    const auto scratch = std::make_unique<Scratch>();
    PackedHead head(p);
    std::vector<QueryTile> tile;
    for (int i = 0; i < most; ++i) tile.emplace_back(head.depth_steps, head.column_tiles);
    int64_t packed = -1;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / blocks / p.heads, h = i / blocks % p.heads;
      if (packed != i / blocks) pack_head(p, b, h, head);
      packed = i / blocks;
      attend_block(p, head, b, h, i % blocks * most * kQueryTile, tile.data(), most, *scratch);
    }
  });
}

}  // namespace invokeai::nn

#else

#include "base/result.h"

namespace invokeai::nn {

bool amx_available() { return false; }
void run_attention_amx(const AttentionProblem&, const ParallelFor&) { INVOKEAI_CHECK(false); }

}  // namespace invokeai::nn

#endif
