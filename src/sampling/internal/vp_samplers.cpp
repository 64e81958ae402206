// Single-step samplers on variance-preserving latents, x = alpha * clean + sigma * noise.
#include "sampling/internal/run.h"

namespace invokeai::sampling {

/// Denoising diffusion implicit models. Source: Song et al. 2021, equations 12 and 16; generation
/// spec 5.2. The run ends at the level of timestep 0.
void sample_ddim(Run& run) {
  const double eta = run.plan().options.eta;
  at::Tensor x = run.latents();
  for (int k = 0; run.active(k); ++k) {
    const NoiseLevel &now = run.level(k), &next = run.level(k + 1);
    const Estimate e = run.predict(x, now);
    // Standard deviation of the noise that a fully stochastic step would add, times eta.
    const double step = now.alpha / next.alpha;
    const double fresh = eta * next.sigma / now.sigma * std::sqrt(1 - step * step);
    const double kept = std::sqrt(std::max(next.sigma * next.sigma - fresh * fresh, 0.0));
    at::Tensor moved = next.alpha * e.original + kept * e.noise;
    if (eta > 0) moved = moved + fresh * run.noise(x);
    x = run.complete(k, moved);
  }
}

/// Multistep consistency sampling: jump to the clean latents, go back up with fresh noise.
/// Source: Luo et al. 2023, "Latent Consistency Models", Alg. 3; boundary scalings of Song et al.
/// 2023, "Consistency Models", with sigma_data 0.5 and timesteps stretched by 10.
void sample_lcm(Run& run) {
  constexpr double kSigmaData = 0.5, kTimestepScale = 10;
  at::Tensor x = run.latents();
  for (int k = 0; run.active(k); ++k) {
    const Estimate e = run.predict(x, run.level(k));
    const double time = run.plan().timesteps[k] * kTimestepScale;
    const double norm = std::hypot(time, kSigmaData);
    const double skip = (kSigmaData / norm) * (kSigmaData / norm), out = time / norm;
    const at::Tensor clean = out * e.original + skip * x;
    x = run.complete(k, run.last(k) ? clean : add_noise(run.level(k + 1), clean, run.noise(x)));
  }
}

}  // namespace invokeai::sampling
