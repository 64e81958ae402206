#pragma once
// Products of 8-bit numbers: half the time of bfloat16 where the processor has VNNI, half the memory
// of the weights. Activations are rounded as they come, each token on a scale of its own (feature maps
// on one scale and zero point); weights have a scale for each output. Sums are exact in 32 bits.

#include <ATen/ATen.h>

#include <cstdint>

#include "nn/packed.h"

namespace invokeai::nn {

/// Whether a layer with this weight can compute in 8 bits here: on the CPU, where libtorch was built
/// with oneDNN, before it was packed otherwise.
bool can_quantize(const at::Tensor& weight);

/// The weights of one layer.
struct Int8Weight {
  at::Tensor packed;       ///< opaque, in oneDNN's order
  at::Tensor scales;       ///< [out] f32
  at::Tensor zero_points;  ///< [out] i32, all 0
  at::Tensor bias;         ///< [out] f32, undefined where there is none
};

/// weight [out,in]; bias [out] or undefined.
Int8Weight quantize_linear(const at::Tensor& weight, const at::Tensor& bias);
/// weight [out,in,k,k].
Int8Weight quantize_conv2d(const at::Tensor& weight, const at::Tensor& bias, const ConvShape& shape);

/// Tokens as 8-bit numbers: x = (values - 128) * scale of its row.
struct Int8Rows {
  at::Tensor values;    ///< [...,width] u8
  at::Tensor scales;    ///< [rows] f32
  at::ScalarType type;  ///< of the tokens, and of products made from them
};

/// x [...,width] f32 or bf16.
Int8Rows quantize_rows(const at::Tensor& x);
/// Rows times weights plus bias, plus `addend` when defined: [...,out].
at::Tensor int8_linear(const Int8Rows& x, const Int8Weight& weight, const at::Tensor& addend = {});
/// geglu (layers.h) of rows times weights plus bias: [...,out/2].
Int8Rows int8_linear_geglu(const Int8Rows& x, const Int8Weight& weight);
/// x [B,in,H,W] channels-last -> [B,out,H',W'], plus `addend` when defined.
at::Tensor int8_conv2d(const at::Tensor& x, const Int8Weight& weight, const ConvShape& shape,
                       const at::Tensor& addend = {});

}  // namespace invokeai::nn
