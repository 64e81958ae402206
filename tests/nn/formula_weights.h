#pragma once
// Weights and inputs that are computed rather than stored: 32 well-mixed bits from the CRC-32 of a
// name and an index. scripts/oracles/make_nn_golden.py holds the same formula.

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "nn/module.h"

namespace invokeai::nn::testing {

inline std::uint32_t crc32_of(std::string_view text) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

/// `index` spread over 32 bits; the last lines are a multiply-and-xor-shift finaliser.
inline std::uint32_t hash_of(std::uint32_t seed, std::uint32_t index) {
  std::uint32_t h = index * 2654435761u + seed;
  h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
  h = (h ^ (h >> 13)) * 0xC2B2AE35u;
  return h ^ (h >> 16);
}

/// f32 numbers in [-1,1), fixed by name and index.
inline at::Tensor uniform(std::string_view name, at::IntArrayRef shape) {
  at::Tensor out = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
  float* values = out.mutable_data_ptr<float>();
  const std::uint32_t seed = crc32_of(name);
  for (std::int64_t i = 0; i < out.numel(); ++i)
    values[i] = float(hash_of(seed, std::uint32_t(i)) / 2147483648.0 - 1);
  return out;
}

/// Biases about 0, norm weights about 1, embeddings in [-1,1), matrices and kernels with a variance
/// of 1 / fan in.
inline at::Tensor formula_weight(const std::string& name, at::IntArrayRef shape) {
  const at::Tensor u = uniform(name, shape);
  if (shape.size() == 1) return 0.1 * u + (name.ends_with("weight") ? 1.0 : 0.0);
  if (name.ends_with("embedding.weight")) return u;
  return u * float(std::sqrt(3.0 / double(u[0].numel())));
}

/// Fills every parameter below the module; convolution kernels become channels-last, as when
/// loaded.
inline void fill_by_formula(Module& module) {
  module.visit_parameters(
      [](const std::string& name, at::Tensor& p) { p = formula_weight(name, p.sizes()); });
  convert(module, at::kCPU, at::kFloat);
}

}  // namespace invokeai::nn::testing
