#pragma once
// The ways to make a batch of pictures. Each delivers all of them or ends as cancelled.

#include "pipeline/internal/batch.h"

namespace invokeai::pipeline {

/// Text to image (generation spec 2).
Result<Outcome> draw_from_noise(Batch& batch);
/// Its first part at any size: denoised latents, nothing when cancelled.
Result<std::optional<at::Tensor>> latents_from_noise(Batch& batch, Size size);

/// Image to image; inpainting where the picture has a mask, outpainting where it has holes
/// (generation spec 7 and 8).
Result<Outcome> draw_from_picture(Batch& batch);

/// The same inside a box of a canvas, at a size of its own (generation spec 8.2).
Result<Outcome> draw_in_box(Batch& batch);

/// Small, then enlarged and refined (generation spec 9), from noise or from a picture.
Result<Outcome> draw_in_two_passes(Batch& batch);

/// Embiggen: a large picture tile by tile (generation spec 10).
Result<Outcome> draw_tiles(Batch& batch);

}  // namespace invokeai::pipeline
