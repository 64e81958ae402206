// Samplers of Karras et al. 2022, "Elucidating the Design Space of Diffusion-Based Generative
// Models", and of the DPM-Solver papers in the same variables: x = clean + sigma * noise, dx/dsigma
// = noise. Formulas: generation spec 5.1 and 6.
#include "sampling/internal/run.h"

namespace invokeai::sampling {
namespace {

/// An ancestral step goes down to `down` without noise and back up to the target with noise `up`.
struct Ancestral {
  double down, up;
};

/// Source: Song et al. 2021, "Score-Based Generative Modeling through SDEs", appendix F (eta = 1).
Ancestral ancestral(double from, double to) {
  const double down = to * to / from;
  return {down, std::sqrt(std::max(to * to - down * down, 0.0))};
}

double geometric_mean(double a, double b) { return std::sqrt(a * b); }

/// The exact solution from sigma to `next` if the clean latents were `original` all the way.
/// Source: Lu et al. 2022, "DPM-Solver++", equation 9 with alpha = 1.
at::Tensor toward(const at::Tensor& x, const at::Tensor& original, double sigma, double next) {
  return original + (x - original) * (next / sigma);
}

}  // namespace

/// Euler's method. Source: Karras 2022, Alg. 2 without churn and without the corrector.
void sample_euler(Run& run) {
  at::Tensor x = run.latents();
  for (int k = 0; run.active(k); ++k) {
    const Estimate e = run.predict(x, run.level(k));
    run.skip_noise(x);
    x = run.complete(k, x + e.noise * (run.sigma(k + 1) - run.sigma(k)));
  }
}

/// Euler with ancestral noise (Song 2021 in Karras' variables).
void sample_euler_ancestral(Run& run) {
  at::Tensor x = run.latents();
  for (int k = 0; run.active(k); ++k) {
    const Estimate e = run.predict(x, run.level(k));
    const auto [down, up] = ancestral(run.sigma(k), run.sigma(k + 1));
    x = run.complete(k, x + e.noise * (down - run.sigma(k)) + run.noise(x) * up);
  }
}

/// Heun's method, two evaluations per step, one in the last. Source: Karras 2022, Alg. 2.
void sample_heun(Run& run) {
  at::Tensor x = run.latents();
  for (int k = 0; run.active(k); ++k) {
    const double step = run.sigma(k + 1) - run.sigma(k);
    const Estimate e = run.predict(x, run.level(k));
    at::Tensor next = x + e.noise * step;
    if (!run.last(k)) {
      const Estimate corrector = run.predict(next, run.level(k + 1));
      next = x + (e.noise + corrector.noise) * (step / 2);
    }
    x = run.complete(k, next);
  }
}

/// Midpoint method in log sigma. Source: Lu et al. 2022, "DPM-Solver", Alg. 1 (DPM-Solver-2).
void sample_dpm_2(Run& run) {
  at::Tensor x = run.latents();
  for (int k = 0; run.active(k); ++k) {
    Estimate e = run.predict(x, run.level(k));
    if (!run.last(k)) {
      const double middle = geometric_mean(run.sigma(k), run.sigma(k + 1));
      e = run.predict(x + e.noise * (middle - run.sigma(k)), ve_level(middle));
    }
    x = run.complete(k, x + e.noise * (run.sigma(k + 1) - run.sigma(k)));
  }
}

/// DPM-Solver-2 with ancestral noise. Noise is drawn at every evaluation, as 2.3.0 does.
void sample_dpm_2_ancestral(Run& run) {
  at::Tensor x = run.latents();
  for (int k = 0; run.active(k); ++k) {
    const auto [down, up] = ancestral(run.sigma(k), run.sigma(k + 1));
    Estimate e = run.predict(x, run.level(k));
    if (!run.last(k)) {
      run.skip_noise(x);
      const double middle = geometric_mean(run.sigma(k), down);
      e = run.predict(x + e.noise * (middle - run.sigma(k)), ve_level(middle));
    }
    x = run.complete(k, x + e.noise * (down - run.sigma(k)) + run.noise(x) * up);
  }
}

/// DPM-Solver++(2S) with ancestral noise; Euler in the last step.
/// Source: Lu et al. 2022, "DPM-Solver++", Alg. 1 with the midpoint r = 1/2.
void sample_dpmpp_2s_ancestral(Run& run) {
  at::Tensor x = run.latents();
  for (int k = 0; run.active(k); ++k) {
    const Estimate e = run.predict(x, run.level(k));
    if (run.last(k)) {
      x = run.complete(k, e.original);
      continue;
    }
    const auto [down, up] = ancestral(run.sigma(k), run.sigma(k + 1));
    const double middle = geometric_mean(run.sigma(k), down);
    const Estimate half =
        run.predict(toward(x, e.original, run.sigma(k), middle), ve_level(middle));
    x = run.complete(k, toward(x, half.original, run.sigma(k), down) + run.noise(x) * up);
  }
}

/// DPM-Solver++ for the stochastic equation, midpoint r = 1/2, eta 1. Source: Lu et al. 2022,
/// "DPM-Solver++", section 5 on the SDE solvers; two-stage form as in k-diffusion.
/// Both stages ride on one Brownian path W(sigma). k-diffusion keeps it in a tree; here its two
/// pieces, sigma to middle and middle to next, are drawn per step, which gives the same
/// distribution.
void sample_dpmpp_sde(Run& run) {
  at::Tensor x = run.latents();
  for (int k = 0; run.active(k); ++k) {
    const Estimate e = run.predict(x, run.level(k));
    if (run.last(k)) {
      x = run.complete(k, e.original);
      continue;
    }
    const double sigma = run.sigma(k), next = run.sigma(k + 1),
                 middle = geometric_mean(sigma, next);
    const at::Tensor first = run.noise(x), second = run.noise(x);
    const Ancestral half = ancestral(sigma, middle), whole = ancestral(sigma, next);
    const Estimate e2 =
        run.predict(toward(x, e.original, sigma, half.down) + first * half.up, ve_level(middle));
    // W(next) - W(sigma), scaled to unit variance
    const at::Tensor path = first * std::sqrt((sigma - middle) / (sigma - next)) +
                            second * std::sqrt((middle - next) / (sigma - next));
    x = run.complete(k, toward(x, e2.original, sigma, whole.down) + path * whole.up);
  }
}

}  // namespace invokeai::sampling
