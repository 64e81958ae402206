#include "pipeline/internal/latent_codec.h"

namespace invokeai::pipeline {
namespace {

bool is_finite(const at::Tensor& x) { return at::isfinite(x).all().item<bool>(); }

}  // namespace

Result<at::Tensor> LatentCodec::finite(const std::function<at::Tensor(at::ScalarType)>& compute,
                                       ModelPart part) {
  const char* name = part == ModelPart::vae_encoder ? "encoder" : "decoder";
  at::Tensor result = compute(choice_.dtype).to(at::kFloat);
  if (is_finite(result)) return result;
  if (choice_.dtype != at::kFloat) {
    tell_(fmt::format("The {} overflowed in {}; computing it again in float32", name,
                      choice_.precision_name));
    const ModelMemory::WideVae wide(memory_);
    const ModelMemory::Use weights(memory_, part);
    result = compute(at::kFloat);
    if (is_finite(result)) return result;
  }
  return fail(ErrorCode::bad_file, "generate",
              "{}: the {} gives no valid picture; is the model damaged?", model_, name);
}

Result<at::Tensor> LatentCodec::encode(const at::Tensor& pixels, const at::Tensor& noise) {
  const ModelMemory::Use weights(memory_, ModelPart::vae_encoder);
  TRY_ASSIGN(const at::Tensor moments, finite(
                                           [&](at::ScalarType dtype) {
                                             const auto latent =
                                                 vae_.encode(pixels.to(choice_.device, dtype));
                                             return at::cat({latent.mean, latent.log_variance}, 1);
                                           },
                                           ModelPart::vae_encoder));
  const auto halves = moments.chunk(2, 1);
  return (halves[0] + (halves[1] / 2).exp() * noise) * vae_.config().scaling_factor;
}

Result<at::Tensor> LatentCodec::decode(const at::Tensor& latents) {
  if (!is_finite(latents))
    return fail(ErrorCode::bad_file, "generate",
                "{}: the network's output is not finite in {}; is the model damaged?", model_,
                choice_.precision_name);
  const ModelMemory::Use weights(memory_, ModelPart::vae_decoder);
  const at::Tensor scaled = latents / vae_.config().scaling_factor;
  return finite([&](at::ScalarType dtype) { return decode_scaled(scaled.to(dtype)); },
                ModelPart::vae_decoder);
}

at::Tensor LatentCodec::decode_scaled(const at::Tensor& latents) {
  return memory_.plan().in_bands ? vae_.decode_in_bands(latents, wrap_) : vae_.decode(latents);
}

}  // namespace invokeai::pipeline
