#include "pipeline/internal/preview_colors.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

namespace invokeai::pipeline {
namespace {

constexpr double kStableDiffusionScaling = 0.18215;
constexpr int kSquares = 8;  // in a row, and rows
constexpr int kSide = 4;     // cells of a square

/// [64,channels] of a map [1,channels,32,32]: the mean over the middle of each square, away from its
/// neighbours.
at::Tensor middles(const at::Tensor& map) {
  const at::Tensor squares = map.reshape({map.size(1), kSquares, kSide, kSquares, kSide});
  return squares.slice(2, 1, kSide - 1).slice(4, 1, kSide - 1).mean({2, 4}).flatten(1).t();
}

}  // namespace

sampling::PreviewColors preview_colors(LatentCodec& codec) {
  if (std::abs(codec.scaling_factor() - kStableDiffusionScaling) < 1e-4)
    return sampling::stable_diffusion_colors();
  const at::Tensor colors = at::rand({1, 3, kSquares, kSquares}, at::detail::createCPUGenerator(1),
                                     at::TensorOptions()) * 2 - 1;
  const std::int64_t side = kSide * codec.scale();
  const at::Tensor pixels = colors.repeat_interleave(side, 2).repeat_interleave(side, 3);
  const at::Tensor no_noise = at::zeros({1, codec.channels(), kSquares * kSide, kSquares * kSide});
  const auto latents = codec.encode(pixels.to(codec.device()), no_noise.to(codec.device()));
  if (!latents) return sampling::stable_diffusion_colors();
  return sampling::fit_preview_colors(middles(latents->to(at::kCPU, at::kFloat)),
                                      colors[0].flatten(1).t());
}

}  // namespace invokeai::pipeline
