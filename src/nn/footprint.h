#pragma once
// How much memory tensors take at most while a network runs, from its shape alone. The figures
// follow the networks step by step (unet.cpp, vae.cpp, banded_decoder.cpp, resnet.cpp); tests hold
// them against what is measured. Weights are not counted (StoredWeights::bytes does), nor is what
// oneDNN works in, some MB a thread.

#include <ATen/ATen.h>

#include <cstdint>

#include "nn/configs.h"
#include "nn/module.h"

namespace invokeai::nn {

/// One evaluation of the UNet.
struct StepShape {
  std::int64_t rows = 2;      ///< evaluated together, 2 with guidance
  std::int64_t height = 64;   ///< of the latents
  std::int64_t width = 64;
  std::int64_t tokens = 77;   ///< of the context
};

/// Bytes at the worst moment. `dtype` is the type of the weights and maps.
std::int64_t unet_footprint(const UNetConfig& config, const StepShape& shape, at::ScalarType dtype,
                            WeightForm form = WeightForm::as_loaded);
/// Latents of this size, or of this size after encoding: one picture at a time.
std::int64_t decoder_footprint(const VaeConfig& config, std::int64_t height, std::int64_t width,
                               at::ScalarType dtype);
std::int64_t banded_decoder_footprint(const VaeConfig& config, std::int64_t height,
                                      std::int64_t width, at::ScalarType dtype);
std::int64_t encoder_footprint(const VaeConfig& config, std::int64_t height, std::int64_t width,
                               at::ScalarType dtype);
/// One window of tokens.
std::int64_t text_footprint(const ClipTextConfig& config, at::ScalarType dtype);

}  // namespace invokeai::nn
