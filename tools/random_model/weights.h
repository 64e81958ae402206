#pragma once
// Random weights that keep numbers of order 1 through a whole network.

#include <ATen/ATen.h>

#include <cstdint>
#include <string_view>

namespace invokeai::random_model {

/// Fills `out` (f32, f16 or bf16, contiguous, at least one dimension) with numbers that depend on
/// seed, name and index alone. Matrices and kernels are uniform with a variance of gain^2 / fan in;
/// the gain of layers that close a residual branch is small, so that the sum of all branches stays
/// of the order of one, and that of layers behind a SiLU makes up for what the SiLU takes away.
/// Embeddings have variance 1; norm weights lie within 0.1 of 1, biases within 0.1 of 0.
/// `name` is a part and a name of the folder layout, e.g. "unet.conv_in.weight".
void fill_random(std::string_view name, std::uint64_t seed, at::Tensor& out);

}  // namespace invokeai::random_model
