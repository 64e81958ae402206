#pragma once
// How latents look, for autoencoders of every make.

#include "pipeline/internal/latent_codec.h"
#include "sampling/preview.h"

namespace invokeai::pipeline {

/// The known colours of Stable Diffusion's own autoencoder, told by its scaling factor; of another
/// one they are found by encoding 64 squares of even colour. Those of the known one too where that
/// gives no numbers.
sampling::PreviewColors preview_colors(LatentCodec& codec);

}  // namespace invokeai::pipeline
