#include "sampling/noise.h"

#include <ATen/CPUGeneratorImpl.h>

#include <array>
#include <cmath>
#include <numbers>

namespace invokeai::sampling {
namespace {

/// The two first output words of Philox4x32-10. Source: Salmon et al. 2011, "Parallel random
/// numbers: as easy as 1, 2, 3".
std::array<std::uint32_t, 2> philox(std::uint64_t key, std::uint64_t offset, std::uint64_t index) {
  std::uint32_t c0 = offset, c1 = offset >> 32, c2 = index, c3 = index >> 32;
  std::uint32_t k0 = key, k1 = key >> 32;
  for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
    const std::uint64_t a = std::uint64_t(0xD2511F53u) * c0, b = std::uint64_t(0xCD9E8D57u) * c2;
    c0 = std::uint32_t(b >> 32) ^ c1 ^ k0;
    c2 = std::uint32_t(a >> 32) ^ c3 ^ k1;
    c1 = std::uint32_t(b);
    c3 = std::uint32_t(a);
  }
  return {c0, c1};
}

/// One normal number from two random words (Box-Muller), as the CUDA generator of torch makes it.
float philox_normal(std::uint64_t seed, std::uint64_t launch, std::uint64_t index) {
  const auto [x, y] = philox(seed, launch, index);
  const float u = float(x) * 0x1p-32f + 0x1p-33f;
  const float v =
      float(y) * float(0x1p-32 * 2 * std::numbers::pi) + float(0x1p-33 * 2 * std::numbers::pi);
  return float(std::sqrt(-2 * std::log(double(u))) * std::sin(double(v)));
}

/// 6t^5 - 15t^4 + 10t^3, flat at both ends. Source: Perlin 2002, "Improving Noise".
at::Tensor fade(const at::Tensor& t) { return t * t * t * (t * (t * 6 - 15) + 10); }

/// One plane [h,w] of gradient noise; h and w are multiples of the cell count.
at::Tensor perlin_plane(NoiseStream& stream, std::int64_t h, std::int64_t w) {
  constexpr int kCells = 8;
  const at::Tensor angles = stream.uniform({kCells + 1, kCells + 1}) * (2 * std::numbers::pi);
  const auto options = angles.options();
  // Position of each sample inside its cell: rows [h,1], columns [1,w], both in [0,1).
  const at::Tensor y = (at::arange(h, options) * kCells / h).remainder(1).unsqueeze(1);
  const at::Tensor x = (at::arange(w, options) * kCells / w).remainder(1).unsqueeze(0);
  // Gradient of the cell's corner (down, right), dotted with the way from that corner: [h,w].
  auto corner = [&](int down, int right) {
    const at::Tensor angle = angles.slice(0, down, kCells + down)
                                 .slice(1, right, kCells + right)
                                 .repeat_interleave(h / kCells, 0)
                                 .repeat_interleave(w / kCells, 1);
    return angle.cos() * (y - down) + angle.sin() * (x - right);
  };
  const at::Tensor left = at::lerp(corner(0, 0), corner(1, 0), fade(y).expand({h, w}));
  const at::Tensor right = at::lerp(corner(0, 1), corner(1, 1), fade(y).expand({h, w}));
  return std::numbers::sqrt2 * at::lerp(left, right, fade(x).expand({h, w}));
}

}  // namespace

NoiseStream::NoiseStream(std::uint64_t seed, NoiseAlgorithm algorithm)
    : seed_(seed),
      algorithm_(algorithm),
      generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {}

at::Tensor NoiseStream::normal(at::IntArrayRef shape, at::Device device) {
  if (algorithm_ == NoiseAlgorithm::cpu)
    return at::randn(shape, generator_, at::TensorOptions(at::kFloat)).to(device);
  at::Tensor noise = at::empty(shape, at::kFloat);
  float* values = noise.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < noise.numel(); ++i) values[i] = philox_normal(seed_, launches_, i);
  ++launches_;
  return noise.to(device);
}

at::Tensor NoiseStream::uniform(at::IntArrayRef shape) {
  return at::rand(shape, generator_, at::TensorOptions(at::kFloat));
}

BatchNoise::BatchNoise(const std::vector<std::uint32_t>& seeds, NoiseAlgorithm algorithm) {
  for (std::uint32_t seed : seeds) streams_.emplace_back(seed, algorithm);
}

at::Tensor BatchNoise::normal(at::IntArrayRef picture_shape, at::Device device) {
  std::vector<at::Tensor> rows;
  for (NoiseStream& stream : streams_) rows.push_back(stream.normal(picture_shape));
  return at::stack(rows).to(device);
}

NoiseSource BatchNoise::source() {
  return [this](const at::Tensor& like) {
    INVOKEAI_CHECK_EQ(like.size(0), std::int64_t(streams_.size()));
    return normal(like.sizes().slice(1), like.device());
  };
}

at::Tensor perlin_noise(NoiseStream& stream, std::int64_t height, std::int64_t width) {
  const std::int64_t h = (height + 7) / 8 * 8, w = (width + 7) / 8 * 8;
  std::vector<at::Tensor> planes;
  for (int channel = 0; channel < 4; ++channel) planes.push_back(perlin_plane(stream, h, w));
  return at::stack(planes).slice(1, 0, height).slice(2, 0, width).unsqueeze(0).contiguous();
}

at::Tensor mix_perlin(const at::Tensor& noise, double amount, NoiseStream& stream) {
  if (amount == 0) return noise;
  const at::Tensor planes = perlin_noise(stream, noise.size(2), noise.size(3)).to(noise.options());
  return (1 - amount) * noise + amount * planes;
}

at::Tensor slerp(double t, const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor from = a.to(at::kCPU, at::kDouble), to = b.to(at::kCPU, at::kDouble);
  const double norms = from.norm().item<double>() * to.norm().item<double>();
  const double dot = (from * to).sum().item<double>() / norms;
  if (!(std::abs(dot) <= 0.9995)) return ((1 - t) * from + t * to).to(a.options());
  const double angle = std::acos(dot), scale = 1 / std::sin(angle);
  return (std::sin((1 - t) * angle) * scale * from + std::sin(t * angle) * scale * to)
      .to(a.options());
}

at::Tensor vary_noise(at::Tensor base, const std::vector<Variation>& variations,
                      NoiseAlgorithm algorithm) {
  for (const Variation& variation : variations)
    base = slerp(variation.weight, base,
                 NoiseStream(variation.seed, algorithm).normal(base.sizes(), base.device()));
  return base;
}

}  // namespace invokeai::sampling
