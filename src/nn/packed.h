#pragma once
// Weights in the blocked order that oneDNN computes with, made once instead of at every use, and
// products whose result is added to another tensor on the way out.

#include <ATen/ATen.h>

#include <cstdint>

namespace invokeai::nn {

struct ConvShape {
  std::int64_t stride = 1;
  std::int64_t padding = 0;
};

/// Whether weights of this tensor's device and type can be packed here: on the CPU, f32 and bf16,
/// where libtorch was built with oneDNN.
bool can_pack(const at::Tensor& weight);

/// weight [out,in] -> opaque, the same shape; `to_dense` gives the plain tensor back.
at::Tensor pack_linear(const at::Tensor& weight);
/// weight [out,in,k,k] -> opaque, the same shape.
at::Tensor pack_conv2d(const at::Tensor& weight, const ConvShape& shape);

/// x [...,in] with a packed weight -> [...,out], plus `addend` of that shape when defined.
at::Tensor packed_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         const at::Tensor& addend = {});
/// x [B,in,H,W] channels-last with a packed weight -> [B,out,H',W'], plus `addend` when defined.
at::Tensor packed_conv2d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         const ConvShape& shape, const at::Tensor& addend = {});

}  // namespace invokeai::nn
