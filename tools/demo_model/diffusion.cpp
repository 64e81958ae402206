#include "demo_model/diffusion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace invokeai::demo {

bool is_deep(const std::string& name, const nn::UNetConfig& config) {
  const std::string last = fmt::format("down_blocks.{}.", config.block_channels.size() - 1);
  return name.starts_with(last) || name.starts_with("mid_block.") ||
         name.starts_with("up_blocks.0.");
}

std::vector<at::Tensor> DiffusionNetworks::learning(bool shared) const {
  std::vector<at::Tensor> out;
  unet->visit_parameters([&](const std::string& name, at::Tensor& p) {
    if (!shared || !is_deep(name, unet->config())) out.push_back(p);
  });
  if (!shared)
    encoder->visit_parameters([&](const std::string&, at::Tensor& p) { out.push_back(p); });
  return out;
}

double latent_deviation(int size) { return std::min(1.0, 192.0 / size); }

at::Tensor alphas_cumprod() {
  const at::Tensor roots = at::linspace(std::sqrt(0.00085), std::sqrt(0.012), 1000, at::kDouble);
  return at::cumprod(1 - roots.square(), 0).to(at::kFloat);
}

at::Tensor spread_timesteps(int count, double deviation, drawer::Random& random) {
  const auto spread = [&](int shares) {
    std::vector<double> at(shares);
    for (int i = 0; i < shares; ++i) at[i] = (i + random.unit()) / shares;
    return at::tensor(at, at::kDouble);
  };
  const at::Tensor alphas = alphas_cumprod().to(at::kDouble);
  const at::Tensor levels = ((1 - alphas) / alphas).sqrt();
  const int even = count / 4;
  const at::Tensor evenly = (spread(even) * 1000).to(at::kLong);
  const at::Tensor level =
      deviation * (at::special_ndtri(spread(count - even)) + std::log(0.67)).exp();
  return at::cat({evenly, at::searchsorted(levels, level).clamp_max(999)});
}

at::Tensor weighted_error(const DiffusionNetworks& networks, const Example& example,
                          const at::Tensor& alphas, Prediction prediction, double deviation) {
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
  const at::Tensor snr = (deviation * deviation * alpha / (1 - alpha)).reshape({-1}),
                   root = (1 + 1 / snr).sqrt();
  const at::Tensor weight = prediction == Prediction::noise ? root : root * alpha.reshape({-1});
  return (error * (20.0 / snr).clamp_max(1.0) * weight).mean();
}

}  // namespace invokeai::demo
