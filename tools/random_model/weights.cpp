#include "random_model/weights.h"

#include <algorithm>
#include <cmath>

namespace invokeai::random_model {
namespace {

constexpr std::int64_t kChunk = 1 << 20;  ///< numbers made in f32 before they are rounded

struct Gain {
  std::string_view ending;
  double gain;
};

/// The first that fits; else 1. E[silu(x)^2] of a standard normal x is 0.356 = 1 / 1.68^2.
constexpr Gain kGains[] = {
    {"decoder.conv_out.weight", 0.7},  // spread of the pixels 0.4, so that few are clipped
    {".conv_out.weight", 1.68},
    {".conv2.weight", 0.7},
    {".to_out.0.weight", 0.5},
    {".net.2.weight", 0.7},
    {".proj_out.weight", 0.5},
    {".out_proj.weight", 0.5},
    {".fc2.weight", 0.7},
    {".time_embedding.linear_2.weight", 1.68},
    {".time_emb_proj.weight", 1.68},
};

double gain_of(std::string_view name) {
  const auto* found = std::find_if(std::begin(kGains), std::end(kGains),
                                   [&](const Gain& g) { return name.ends_with(g.ending); });
  return found == std::end(kGains) ? 1 : found->gain;
}

/// Offset and half width of the interval of a tensor's numbers.
std::pair<float, float> range_of(std::string_view name, const at::Tensor& tensor) {
  if (tensor.dim() == 1) return {name.ends_with(".weight") ? 1.f : 0.f, 0.1f};
  const double unit = std::sqrt(3.0);  // uniform in [-1,1) has variance 1/3
  if (name.ends_with("embedding.weight")) return {0.f, float(unit)};
  const double fan_in = double(tensor.numel() / tensor.size(0));
  return {0.f, float(unit * gain_of(name) / std::sqrt(fan_in))};
}

/// FNV-1a.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

/// The output function of SplitMix64 (Steele 2014): 64 well-mixed bits of a counter.
std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace

void fill_random(std::string_view name, std::uint64_t seed, at::Tensor& out) {
  const auto [middle, width] = range_of(name, out);
  const std::uint64_t key = mix(hash_of(name) + mix(seed + 1));
  at::Tensor flat = out.view({-1});
  at::Tensor chunk =
      at::empty({std::min(kChunk, flat.numel())}, at::TensorOptions().dtype(at::kFloat));
  float* values = chunk.mutable_data_ptr<float>();
  for (std::int64_t first = 0; first < flat.numel(); first += kChunk) {
    const std::int64_t count = std::min(kChunk, flat.numel() - first);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint64_t bits = mix(key + std::uint64_t(first + i) * 0x9E3779B97F4A7C15u);
      const float unit = float(std::int32_t(bits >> 40) - (1 << 23)) * 0x1p-23f;  // [-1,1)
      values[i] = middle + width * unit;
    }
    flat.narrow(0, first, count).copy_(chunk.narrow(0, 0, count));
  }
}

}  // namespace invokeai::random_model
