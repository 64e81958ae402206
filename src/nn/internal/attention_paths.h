#pragma once
// The ways to compute attention for inference. nn::attention takes the best one; the tests try each.

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

namespace invokeai::nn {

enum class AttentionPath { amx, avx512, libtorch };

/// Those that this machine can take, best first.
const std::vector<AttentionPath>& attention_paths();

/// nn::attention without a mask. The first two compute in bfloat16 and need heads of even width.
at::Tensor attention_by(AttentionPath path, const at::Tensor& q, const at::Tensor& k,
                        const at::Tensor& v, std::int64_t heads);

}  // namespace invokeai::nn
