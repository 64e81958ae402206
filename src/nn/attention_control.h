#pragma once
// A way into the attention layers of a UNet while it runs: to look at their maps, or to compute
// some rows of a batch with those of others (Hertz 2022, "prompt to prompt").

#include <ATen/ATen.h>

#include <cstdint>

namespace invokeai::nn {

/// One attention layer at work on tokens that are a feature map, row by row.
struct AttentionSite {
  bool cross = false;       ///< queries look at the prompt; else at the tokens themselves
  std::int64_t height = 0;  ///< of the feature map; L = height * width
  std::int64_t width = 0;
  std::int64_t heads = 1;
};

/// What the layer would attend with.
struct AttentionInput {
  at::Tensor q;  ///< [B,L,heads*d]
  at::Tensor k;  ///< [B,S,heads*d]
  at::Tensor v;  ///< [B,S,heads*d]
};

/// Handed to UNet::forward; stands in for the plain attention of every transformer block, in the
/// order in which they run. Not asked when there is none.
class AttentionControl {
 public:
  virtual ~AttentionControl() = default;
  /// The result of the attention: [B,L,heads*d]. `upcast`: see nn::attention.
  virtual at::Tensor attend(const AttentionSite& site, const AttentionInput& input,
                            bool upcast) = 0;
};

/// softmax(Q K^T / sqrt(d)) in f32, the map itself, which `attention` never holds.
///   q [B,L,heads*d], k [B,S,heads*d]  ->  [B,heads,L,S] f32, rows add up to 1
at::Tensor attention_maps(const at::Tensor& q, const at::Tensor& k, std::int64_t heads);

/// The maps [B,heads,L,S] applied to v [B,S,heads*d]: [B,L,heads*d] in the type of v.
at::Tensor apply_maps(const at::Tensor& maps, const at::Tensor& v);

}  // namespace invokeai::nn
