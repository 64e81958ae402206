#include "sampling/noise.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sampling/preview.h"
#include "sampling/support.h"

namespace invokeai::sampling {
namespace {

using test::golden;
using test::Json;
using test::largest_difference;

constexpr double kTolerance = 5e-6;  // of noise.json

std::vector<std::int64_t> shape_of(const Json& entry) {
  return entry["shape"].get<std::vector<std::int64_t>>();
}

/// Noise of a 512 x 512 picture.
at::Tensor picture_noise(std::uint64_t seed) { return NoiseStream(seed).normal({1, 4, 64, 64}); }

TEST(Seeds, ChainIsThatOfPython) {
  for (const Json& chain : golden("noise.json", "python_seed_chain"))
    for (std::size_t i = 0; i + 1 < chain.size(); ++i)
      EXPECT_EQ(next_seed(chain[i].get<std::uint32_t>()), chain[i + 1].get<std::uint32_t>());
}

TEST(Noise, UniformIsTorchsCpuStream) {
  for (const Json& entry : golden("noise.json", "torch_cpu_uniform"))
    EXPECT_LE(largest_difference(NoiseStream(entry["seed"]).uniform({8}), entry["first8"]), 1e-8);
}

TEST(Noise, NormalIsTorchsCpuStream) {
  for (const Json& entry : golden("noise.json", "torch_cpu_randn_f32")) {
    NoiseStream stream(entry["seed"].get<std::uint64_t>());
    const at::Tensor noise = stream.normal(shape_of(entry)), flat = noise.flatten();
    EXPECT_LE(largest_difference(flat.slice(0, 0, 16), entry["first16"]), kTolerance);
    EXPECT_LE(largest_difference(flat.slice(0, -16), entry["last16"]), kTolerance);
    EXPECT_NEAR(flat.mean().item<double>(), entry["mean"].get<double>(), kTolerance);
    EXPECT_NEAR(flat.std(false).item<double>(), entry["std"].get<double>(), kTolerance);
    const at::Tensor second = stream.normal(shape_of(entry)).flatten().slice(0, 0, 4);
    EXPECT_LE(largest_difference(second, entry["second_call_first4"]), kTolerance);
  }
}

TEST(Noise, CudaCompatibleIsPhilox) {
  for (const Json& entry : golden("noise.json", "philox_cuda_randn")) {
    NoiseStream stream(entry["seed"].get<std::uint64_t>(), NoiseAlgorithm::cuda);
    for (int skipped = 0; skipped < entry["launch"].get<int>(); ++skipped) stream.normal({16});
    const at::Tensor flat = stream.normal({1, 4, 64, 64}).flatten();
    EXPECT_LE(largest_difference(flat.slice(0, 0, 8), entry["first8"]), kTolerance);
    EXPECT_LE(largest_difference(flat.slice(0, -4), entry["last4_of_16384"]), kTolerance);
  }
}

TEST(Noise, BatchRowsAreTheStreamsOfTheirSeeds) {
  BatchNoise batch({5, 6, 5});
  NoiseStream alone(6);
  for (int draw = 0; draw < 3; ++draw) {
    const at::Tensor noise = batch.normal({4, 8, 8});
    EXPECT_TRUE(noise[1].equal(alone.normal({1, 4, 8, 8})[0]));
    EXPECT_TRUE(noise[0].equal(noise[2]));
  }
  const NoiseSource source = batch.source();
  EXPECT_TRUE(source(at::zeros({3, 4, 8, 8}))[1].equal(alone.normal({1, 4, 8, 8})[0]));
}

TEST(Perlin, PlanesAndMix) {
  for (const Json& entry : golden("noise.json", "perlin")) {
    const std::int64_t h = entry["latent"][0], w = entry["latent"][1];
    for (bool mixed : {false, true}) {
      NoiseStream stream(entry["seed"].get<std::uint64_t>());
      const at::Tensor gauss = stream.normal({1, 4, h, w});
      if (mixed) {
        const at::Tensor mix = mix_perlin(gauss, entry["p"], stream);
        EXPECT_LE(largest_difference(mix[0][0][1].slice(0, 0, 8), entry["mixed_c0_row1_first8"]),
                  kTolerance);
        continue;
      }
      const at::Tensor planes = perlin_noise(stream, h, w);
      EXPECT_EQ(planes.sizes(), (at::IntArrayRef{1, 4, h, w}));
      EXPECT_LE(largest_difference(planes[0][0][1].slice(0, 0, 8), entry["perlin_c0_row1_first8"]),
                kTolerance);
      EXPECT_LE(largest_difference(planes[0][3][5].slice(0, 0, 8), entry["perlin_c3_row5_first8"]),
                kTolerance);
      EXPECT_NEAR(planes.std(false).item<double>(), entry["perlin_std"].get<double>(), kTolerance);
    }
  }
}

/// Where 2.3.0 crashed: sides that the 8 cells do not divide.
TEST(Perlin, OddSidesAreCutFromTheNextLargerPlane) {
  NoiseStream odd(3), even(3);
  const at::Tensor plane = perlin_noise(odd, 41, 63);
  EXPECT_TRUE(plane.equal(perlin_noise(even, 48, 64).slice(2, 0, 41).slice(3, 0, 63)));
}

TEST(Perlin, NoneLeavesNoiseAndStreamAlone) {
  NoiseStream stream(3), twin(3);
  const at::Tensor noise = stream.normal({1, 4, 8, 8});
  EXPECT_TRUE(mix_perlin(noise, 0, stream).equal(twin.normal({1, 4, 8, 8})));
  EXPECT_TRUE(stream.normal({16}).equal(twin.normal({16})));
}

TEST(Slerp, GoldenPairs) {
  int variations = 0;
  for (const Json& entry : golden("noise.json", "slerp")) {
    at::Tensor result;
    if (entry.contains("seed_a")) {
      result = slerp(entry["t"], picture_noise(entry["seed_a"]), picture_noise(entry["seed_b"]));
    } else {
      std::vector<Variation> list;
      for (const Json& pair : entry["with_variations"]) list.push_back({pair[0], pair[1]});
      result = vary_noise(picture_noise(entry["base_seed"]), list);
      ++variations;
    }
    EXPECT_EQ(result.scalar_type(), at::kFloat);
    EXPECT_LE(largest_difference(result.flatten().slice(0, 0, 8), entry["first8"]), kTolerance);
    if (!entry.contains("std")) continue;
    const double deviation = result.to(at::kDouble).std(false).item<double>();
    EXPECT_NEAR(deviation, entry["std"].get<double>(), kTolerance);
  }
  EXPECT_EQ(variations, 1);
}

TEST(Slerp, EndPointsAndZeros) {
  const at::Tensor a = picture_noise(1), b = picture_noise(2);
  EXPECT_LE((slerp(0, a, b) - a).abs().max().item<double>(), 1e-6);
  EXPECT_LE((slerp(1, a, b) - b).abs().max().item<double>(), 1e-6);
  EXPECT_TRUE(slerp(0.5, at::zeros(16), at::zeros(16)).equal(at::zeros(16)));
}

TEST(Preview, ColoursOfPlainLatents) {
  const at::Tensor latents = at::zeros({1, 4, 2, 3});
  latents[0][0][1][2] = 1.0;   // (0.3444, 0.1385, 0.0670)
  latents[0][3][0][0] = 10.0;  // far below black
  const at::Tensor picture = latent_preview(latents);
  ASSERT_EQ(picture.sizes(), (at::IntArrayRef{2, 3, 3}));
  ASSERT_EQ(picture.scalar_type(), at::kByte);
  const auto pixel = [&](int y, int x) {
    const at::Tensor p = picture[y][x];
    return std::vector<int>{p[0].item<int>(), p[1].item<int>(), p[2].item<int>()};
  };
  EXPECT_EQ(pixel(0, 1), (std::vector<int>{127, 127, 127}));
  EXPECT_EQ(pixel(1, 2), (std::vector<int>{171, 145, 136}));
  EXPECT_EQ(pixel(0, 0), (std::vector<int>{0, 0, 0}));
}

}  // namespace
}  // namespace invokeai::sampling
