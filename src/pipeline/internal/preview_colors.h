#pragma once
// How latents look, for autoencoders of every make.

#include "pipeline/internal/latent_codec.h"
#include "sampling/preview.h"

namespace invokeai::pipeline {

/// The known colours of Stable Diffusion's own autoencoder, told by its scaling factor; of another
/// one they are found by decoding 64 squares of even latents. Colours of the known one too where
/// that decodes to nothing.
sampling::PreviewColors preview_colors(LatentCodec& codec);

}  // namespace invokeai::pipeline
