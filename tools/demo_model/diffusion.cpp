#include "demo_model/diffusion.h"

#include <cmath>

namespace invokeai::demo {

std::vector<at::Tensor> DiffusionNetworks::learning(bool frozen_text) const {
  std::vector<at::Tensor> out;
  const auto take = [&](const std::string&, at::Tensor& p) { out.push_back(p); };
  unet->visit_parameters(take);
  if (!frozen_text) encoder->visit_parameters(take);
  return out;
}

at::Tensor alphas_cumprod() {
  const at::Tensor roots = at::linspace(std::sqrt(0.00085), std::sqrt(0.012), 1000, at::kDouble);
  return at::cumprod(1 - roots.square(), 0).to(at::kFloat);
}

at::Tensor weighted_error(const DiffusionNetworks& networks, const Example& example,
                          const at::Tensor& alphas, Prediction prediction) {
  const at::Tensor alpha = alphas.index_select(0, example.timesteps).reshape({-1, 1, 1, 1});
  const at::Tensor signal = alpha.sqrt(), spread = (1 - alpha).sqrt();
  const at::Tensor excess = example.overshoot * (2 * spread / signal).clamp_max(1.0);
  const at::Tensor noise = example.noise + excess * signal / spread * example.latents;
  at::Tensor seen = signal * example.latents + spread * noise;
  const at::Tensor target =
      prediction == Prediction::noise ? noise : signal * noise - spread * example.latents;
  if (example.surroundings.defined()) seen = at::cat({seen, example.surroundings}, 1);
  const at::Tensor predicted =
      networks.unet
          ->forward(seen.to(at::kBFloat16), example.timesteps.to(at::kFloat),
                    networks.encoder->forward(example.ids))
          .to(at::kFloat);
  const at::Tensor error = (predicted - target).square().mean({1, 2, 3});
  const at::Tensor snr = (alpha / (1 - alpha)).reshape({-1}), root = (1 + 1 / snr).sqrt();
  const at::Tensor weight = prediction == Prediction::noise ? root : 1 / root;
  return (error * (5.0 / snr).clamp_max(1.0) * weight).mean();
}

}  // namespace invokeai::demo
