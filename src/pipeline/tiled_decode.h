#pragma once
// A picture decoded piece by piece: less memory, with edges that cannot be seen.

#include <ATen/ATen.h>

#include <functional>

#include "nn/layers.h"

namespace invokeai::pipeline {

struct TileShape {
  int side = 64;     ///< of a tile, latent cells
  int overlap = 12;  ///< cells that neighbours share; across them one fades into the other
  nn::Wrap wrap;     ///< directions in which the picture's edges meet
};

/// latents [1,C,h,w] -> pixels [1,3,8h,8w] f32, each tile through `decode`; latents that fit into one
/// tile go through it whole. Tiles have the same size where the picture allows. `decode` must not wrap
/// around itself. Source: the tiles of diffusers' AutoencoderKL, with fades on both sides.
at::Tensor decode_in_tiles(const at::Tensor& latents, const TileShape& shape,
                           const std::function<at::Tensor(const at::Tensor&)>& decode);

/// Where tiles of `side` begin that cover `length` cells with at least `overlap` shared by neighbours:
/// evenly spread, the first at 0, the last ending at `length`.
std::vector<std::int64_t> tile_starts(std::int64_t length, std::int64_t side, std::int64_t overlap);

}  // namespace invokeai::pipeline
