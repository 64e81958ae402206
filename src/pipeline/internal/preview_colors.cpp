#include "pipeline/internal/preview_colors.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

namespace invokeai::pipeline {
namespace {

constexpr double kStableDiffusionScaling = 0.18215;
constexpr int kSquares = 8;  // in a row, and rows
constexpr int kSide = 4;     // cells of a square

/// [64,channels] of a map [1,channels,32,32] or, `scale` times larger, its picture: the mean over
/// the middle of each square, away from its neighbours.
at::Tensor middles(const at::Tensor& map, std::int64_t scale) {
  const std::int64_t side = kSide * scale;
  const at::Tensor squares = map.reshape({map.size(1), kSquares, side, kSquares, side});
  const std::int64_t from = scale, to = side - scale;
  return squares.slice(2, from, to).slice(4, from, to).mean({2, 4}).flatten(1).t();
}

}  // namespace

sampling::PreviewColors preview_colors(LatentCodec& codec) {
  if (std::abs(codec.scaling_factor() - kStableDiffusionScaling) < 1e-4)
    return sampling::stable_diffusion_colors();
  const at::Tensor even = at::randn({1, codec.channels(), kSquares, kSquares},
                                    at::detail::createCPUGenerator(1), at::TensorOptions());
  const at::Tensor latents = even.repeat_interleave(kSide, 2).repeat_interleave(kSide, 3);
  const auto picture = codec.decode(latents.to(codec.device()));
  if (!picture) return sampling::stable_diffusion_colors();
  return sampling::fit_preview_colors(
      middles(latents, 1), middles(picture->to(at::kCPU, at::kFloat), codec.scale()));
}

}  // namespace invokeai::pipeline
