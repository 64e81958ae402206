#pragma once
// Painting on a picture: one pass over it, and another over the seam where something was transparent.

#include "pipeline/internal/batch.h"
#include "pipeline/internal/original.h"

namespace invokeai::pipeline {

/// One picture for each of the batch, RGB, of the original's size; nothing when cancelled. Takes
/// strength, inpainting, infill and seam from the request. Errors: those of encoding and decoding.
Result<std::optional<std::vector<image::Image>>> paint_on(Batch& batch, const Original& original);

}  // namespace invokeai::pipeline
