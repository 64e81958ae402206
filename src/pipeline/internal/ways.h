#pragma once
// The ways to make a batch of pictures. Each delivers all of them or ends as cancelled.

#include "pipeline/internal/batch.h"

namespace invokeai::pipeline {

/// Text to image (generation spec 2).
Result<Outcome> draw_from_noise(Batch& batch);

/// Image to image, and inpainting where the picture has a mask (generation spec 7 and 8).
Result<Outcome> draw_from_picture(Batch& batch);

}  // namespace invokeai::pipeline
