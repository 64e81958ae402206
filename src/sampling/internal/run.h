#pragma once
// What every sampler body stands on: the loop's bookkeeping and the conversion of network outputs.

#include "sampling/samplers.h"

namespace invokeai::sampling {

/// One network evaluation at a point x = alpha * clean + sigma * noise.
struct Estimate {
  at::Tensor original;  ///< clean latents
  at::Tensor noise;     ///< unit variance; the derivative dx/dsigma of a VE sampler
  at::Tensor raw;       ///< the network's own output
};

/// A run in progress. After an observer has said stop, `predict` no longer asks the network, and
/// `active` ends the loop at the next base step; a body needs no other provision for cancelling.
class Run {
 public:
  Run(const Plan& plan, const Denoiser& denoiser, const NoiseSource& noise,
      const SampleHooks& hooks, at::Tensor start)
      : plan_(plan),
        denoiser_(denoiser),
        noise_(noise),
        hooks_(hooks),
        latents_(std::move(start)) {}

  const Plan& plan() const { return plan_; }
  const at::Tensor& latents() const { return latents_; }  ///< after the last completed base step
  bool stopped() const { return stopped_; }
  /// True while base step k is to be run.
  bool active(int k) const { return !stopped_ && k < plan_.steps(); }
  bool last(int k) const { return k + 1 == plan_.steps(); }
  const NoiseLevel& level(int k) const { return plan_.levels[k]; }
  double sigma(int k) const { return plan_.levels[k].sigma; }

  /// Asks the network about x, at the plan's next timestep.
  Estimate predict(const at::Tensor& x, const NoiseLevel& level);
  /// What a raw output says about x.
  Estimate interpret(const at::Tensor& x, const NoiseLevel& level, const at::Tensor& raw) const;
  /// Fresh noise like x.
  at::Tensor noise(const at::Tensor& x);
  /// Draws noise like x only to leave the stream where 2.3.0 leaves it (generation spec 1.3).
  void skip_noise(const at::Tensor& x);
  /// Completes base step k: applies the caller's hook and keeps the result.
  at::Tensor complete(int k, const at::Tensor& x);
  /// Tells the observer where the run stands.
  void report(const at::Tensor& x);

 private:
  const Plan& plan_;
  const Denoiser& denoiser_;
  const NoiseSource& noise_;
  const SampleHooks& hooks_;
  at::Tensor latents_;
  at::Tensor original_;  // last estimate
  double sigma_ = 0;     // of the last evaluation
  int evaluation_ = 0;   // finished so far
  bool stopped_ = false;
};

// internal/k_samplers.cpp: VE samplers of k-diffusion, one step at a time
void sample_euler(Run& run);
void sample_euler_ancestral(Run& run);
void sample_heun(Run& run);
void sample_dpm_2(Run& run);
void sample_dpm_2_ancestral(Run& run);
void sample_dpmpp_2s_ancestral(Run& run);
void sample_dpmpp_sde(Run& run);
// internal/multistep.cpp: samplers that remember earlier evaluations
void sample_lms(Run& run);
void sample_plms(Run& run);
void sample_dpmpp_2m(Run& run);
void sample_unipc(Run& run);
// internal/vp_samplers.cpp: single-step VP samplers
void sample_ddim(Run& run);
void sample_lcm(Run& run);

}  // namespace invokeai::sampling
