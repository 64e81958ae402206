#pragma once
// Random numbers of a picture: latent noise that is the same on every device.

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "base/seeds.h"
#include "sampling/samplers.h"

namespace invokeai::sampling {

using invokeai::next_seed;
using invokeai::random_seed;

/// Whose numbers to draw: `cpu` is torch's CPU generator (the default everywhere), `cuda` imitates
/// what 2.3.0 drew on an NVIDIA card (latents of up to about 100,000 numbers). Both are computed on
/// the host.
enum class NoiseAlgorithm { cpu, cuda };

/// All random numbers of one picture, in order. Same seed and same calls: same numbers on any
/// device, thread or batch. Not copyable, so that no two owners advance one stream.
class NoiseStream {
 public:
  explicit NoiseStream(std::uint64_t seed, NoiseAlgorithm algorithm = NoiseAlgorithm::cpu);
  NoiseStream(NoiseStream&&) = default;
  NoiseStream& operator=(NoiseStream&&) = default;

  /// Standard normal numbers, f32 on `device`. Each call goes on where the last one stopped.
  at::Tensor normal(at::IntArrayRef shape, at::Device device = at::kCPU);
  /// Numbers in [0,1), f32 on the CPU, always from the CPU generator (as 2.3.0 draws Perlin
  /// angles).
  at::Tensor uniform(at::IntArrayRef shape);

 private:
  std::uint64_t seed_;
  NoiseAlgorithm algorithm_;
  std::uint64_t launches_ = 0;  // draws so far of the cuda algorithm
  at::Generator generator_;
};

/// One stream per picture of a batch: row b of every draw comes from stream b alone, so a picture
/// is the same drawn alone or with others.
class BatchNoise {
 public:
  explicit BatchNoise(const std::vector<std::uint32_t>& seeds,
                      NoiseAlgorithm algorithm = NoiseAlgorithm::cpu);

  std::vector<NoiseStream>& streams() { return streams_; }
  /// [B, picture_shape...] f32 on `device`; `picture_shape` is that of one picture, e.g. {4, h, w}.
  at::Tensor normal(at::IntArrayRef picture_shape, at::Device device = at::kCPU);
  /// Step noise for a sampler. Refers to this object, which must outlive it; x must have B rows.
  NoiseSource source();

 private:
  std::vector<NoiseStream> streams_;
};

/// Gradient noise on 8 x 8 cells, one plane per channel: [1,4,h,w] f32, standard deviation about
/// 0.3 (generation spec 1.4). Sides that are no multiple of 8 are cut from the next larger plane.
at::Tensor perlin_noise(NoiseStream& stream, std::int64_t height, std::int64_t width);

/// (1 - amount) * noise + amount * Perlin noise, for one picture; amount 0 draws nothing.
/// noise: [1,4,h,w] f32.
at::Tensor mix_perlin(const at::Tensor& noise, double amount, NoiseStream& stream);

/// Spherical interpolation over all elements, a at t = 0 and b at t = 1, computed in double
/// (generation spec 1.5). Nearly parallel tensors are mixed linearly. Result: as `a`.
at::Tensor slerp(double t, const at::Tensor& a, const at::Tensor& b);

/// One entry of `with_variations`.
struct Variation {
  std::uint32_t seed = 0;
  double weight = 0;  ///< 0..1
};

/// Base noise pulled towards the noise of each variation's seed in turn (generation spec 1.5).
/// base: [1,4,h,w] f32.
at::Tensor vary_noise(at::Tensor base, const std::vector<Variation>& variations,
                      NoiseAlgorithm algorithm = NoiseAlgorithm::cpu);

}  // namespace invokeai::sampling
