#pragma once
// Linear layers and convolutions by kernels of our own (kernels.h), where those are the fastest: on
// processors with AVX512-BF16 and without AMX. Their weights are packed in a fraction of the time
// that oneDNN takes, and 3x3 convolutions need fewer products.

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>

#include "nn/packed.h"

namespace invokeai::nn {

/// How a layer is computed.
enum class Way {
  linear,            ///< and convolutions of 1x1
  direct,            ///< 3x3, each product
  minimal,           ///< 3x3 of stride 1, 16 products for 36
  minimal_compact,   ///< the same with weights that are transformed as they are met
  minimal_enlarged,  ///< the same of a map enlarged to twice its size, 9 for 36
};

/// Packed weights of one layer.
struct OwnWeight {
  Way way = Way::linear;
  at::Tensor packed;
  std::int64_t in = 0, out = 0;
};

/// The way of a linear layer, or nothing where oneDNN's is to be taken: of other types and of
/// outputs that are not multiples of 64.
std::optional<Way> own_way(at::ScalarType type, std::int64_t in, std::int64_t out);
/// Of a convolution with a square kernel. Minimal filtering makes 16 weights of 9; those of the
/// many channels of deep levels, which have few pixels, are not worth that memory: they are made
/// anew at every call.
///   enlarged   own_enlarged is what will be called
std::optional<Way> own_way(at::ScalarType type, std::int64_t in, std::int64_t out,
                           std::int64_t kernel, const ConvShape& shape, bool enlarged);

/// weight [out,in] or [out,in,k,k], on the CPU.
OwnWeight pack_own_weight(const at::Tensor& weight, Way way);
/// Numbers that are kept for each weight.
double packed_share(Way way);

/// x [...,in] -> [...,out], plus `addend` of that shape when defined.
at::Tensor own_linear(const at::Tensor& x, const OwnWeight& weight, const at::Tensor& bias,
                      const at::Tensor& addend = {});
/// x [B,in,H,W] -> channels-last [B,out,H',W'], plus `addend` when defined. Minimal filtering takes
/// a padding of 0 or 1. Weights made for enlarged maps serve here too; they are completed at every
/// call.
at::Tensor own_conv2d(const at::Tensor& x, const OwnWeight& weight, const at::Tensor& bias,
                      const ConvShape& shape, const at::Tensor& addend = {});
/// Of x enlarged to twice its size, each pixel four times: [B,in,H,W] -> [B,out,2H,2W].
at::Tensor own_enlarged(const at::Tensor& x, const OwnWeight& weight, const at::Tensor& bias);

}  // namespace invokeai::nn
