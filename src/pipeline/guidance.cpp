#include "pipeline/guidance.h"

namespace invokeai::pipeline {
namespace {

/// What the network sees: the latents [B,4,h,w], and the surroundings where it was made for
/// inpainting. Without a picture it is told to repaint everything: a mask of ones, an empty picture.
at::Tensor network_input(const nn::UNet& unet, const at::Tensor& x, const at::Tensor& surroundings) {
  if (unet.config().in_channels != 9) return x;
  if (surroundings.defined()) return at::cat({x, surroundings.to(x.options())}, 1);
  return at::cat({x, at::ones_like(x.slice(1, 0, 1)), at::zeros_like(x)}, 1);
}

}  // namespace

at::Tensor Guidance::predict(const at::Tensor& model_input, double timestep,
                             at::ScalarType dtype, const at::Tensor& surroundings) const {
  const at::Tensor input = network_input(unet_, model_input, surroundings).to(dtype);
  std::vector<at::Tensor> outputs;
  for (std::int64_t i = 0; i < input.size(0); ++i)
    outputs.push_back(predict_one(input.slice(0, i, i + 1), timestep));
  return at::cat(outputs);
}

/// One batch of unconditional and conditional halves; guidance 1 needs the conditional half alone.
at::Tensor Guidance::predict_one(const at::Tensor& input, double timestep) const {
  const bool guided = scale_ != 1.0 || conditioning_.cond.size() > 1;
  std::vector<at::Tensor> contexts;
  if (guided) contexts.push_back(conditioning_.uncond);
  for (const auto& cond : conditioning_.cond) contexts.push_back(cond.context);
  const auto rows = static_cast<std::int64_t>(contexts.size());
  const at::Tensor context = at::cat(contexts).to(input.device(), input.scalar_type());
  const at::Tensor times =
      at::full({rows}, timestep, at::TensorOptions().dtype(at::kFloat).device(input.device()));

  const at::Tensor e =
      unet_.forward(input.expand({rows, -1, -1, -1}), times, context).to(at::kFloat);
  const at::Tensor base = e.slice(0, 0, 1);
  at::Tensor result = base;
  for (std::int64_t k = 1; k < rows; ++k)
    result = result + (e.slice(0, k, k + 1) - base) * (scale_ * conditioning_.cond[k - 1].weight);
  return result;
}

}  // namespace invokeai::pipeline
