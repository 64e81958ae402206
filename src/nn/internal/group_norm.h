#pragma once
// Group normalisation by our own kernels, forwards and back.

#include <ATen/ATen.h>

namespace invokeai::nn {

/// What is normalised and how: groups of channels of x + shift, times weight, plus bias, then SiLU
/// where it is wanted.
struct GroupNormTerms {
  at::Tensor x;       ///< [B,C,H,W], channels last
  at::Tensor shift;   ///< [B,C] or undefined
  at::Tensor weight;  ///< [C]
  at::Tensor bias;    ///< [C]
  std::int64_t groups = 1;
  double eps = 1e-5;
  bool silu = false;
};

/// Whether the kernels can: a CPU that has them, one type for all (f32 or bf16), maps channels
/// last.
bool kernels_can_norm(const GroupNormTerms& terms);

/// The result has x's shape. Handed over with std::move and held by nobody else, x becomes its
/// memory where no gradients are asked for; where they are, it is differentiable by x, shift,
/// weight, bias.
at::Tensor kernel_group_norm(GroupNormTerms terms);

}  // namespace invokeai::nn
