#pragma once
// The large maps of an autoencoder's decoder, computed in bands of rows: a fraction of the memory,
// the same picture up to rounding.

#include <vector>

#include "nn/layers.h"

namespace invokeai::nn {

/// What follows the first level of a decoder. Nodes are looked into by the names of their children.
struct DecoderTail {
  struct Level {
    Conv2d* enlarged = nullptr;    ///< on the map of the level before, doubled
    std::vector<Module*> resnets;  ///< ResnetBlocks without time
  };
  std::vector<Level> levels = {};
  GroupNorm* norm_out = nullptr;
  Conv2d* conv_out = nullptr;
  std::int64_t groups = 32;
  double eps = 1e-6;
};

/// x [1,C,h,w] of the first level -> [1,3,H,W]. `wrap` is what the convolutions are set to.
///
/// Kept as a whole is one map a level, the one that residual blocks add to, and on all levels but
/// the last what their first convolution makes. The rest exists a band at a time and is computed
/// again where it is wanted again; rows that a convolution needs beyond its band are computed with
/// it. A norm takes its mean and variance from the whole map, in a pass of their own where they are
/// not at hand, so that there are no seams. Takes about twice the time of the whole.
at::Tensor run_in_bands(at::Tensor x, const DecoderTail& tail, Wrap wrap);

/// Numbers that norms work on at a time in f32: what a cache holds.
inline constexpr std::int64_t kNormedAtOnce = 1 << 18;

/// Rows of a band of a map `height` rows high.
std::int64_t band_rows(std::int64_t height);

}  // namespace invokeai::nn
