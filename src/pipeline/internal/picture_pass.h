#pragma once
// Passes that start from pictures rather than from noise alone.

#include <span>

#include "pipeline/internal/batch.h"

namespace invokeai::pipeline {

/// What to start from.
struct PictureStart {
  /// RGB, sides multiples of 8: one for every picture of the batch, or one for all of them.
  std::span<const image::Image> pictures;
  const image::Image* mask = nullptr;  ///< grey, same size: 255 keeps, 0 repaints; none: repaint all
  double replace = 0;                  ///< 0..1, share of noise in the clean latents to be repainted
};

/// Fills in the tensors of a pass, drawing random numbers in the order of 2.3.0 (generation spec
/// 1.3 and 8.3): encoder, starting noise, with an inpainting model the encoder once more, and last
/// what `replace` asks for. Errors: those of LatentCodec::encode.
Result<> start_from_pictures(Batch& batch, const PictureStart& start, Pass& pass);

}  // namespace invokeai::pipeline
