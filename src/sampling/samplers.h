#pragma once
// All samplers behind one signature: a plan says where a run starts and what the network will be
// asked, `sample` follows it. Knows no network and no prompt; the denoiser callback holds both.

#include <ATen/ATen.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sampling/schedule.h"

namespace invokeai::sampling {

/// The network with guidance inside. Takes [B,4,h,w] already scaled to unit variance, and a
/// timestep 0..999, fractional for most samplers; gives the raw output (see PredictionType), same
/// shape.
using Denoiser = std::function<at::Tensor(const at::Tensor& model_input, double timestep)>;

/// Fresh standard normal noise shaped like its argument; dtype and device are adapted by the
/// sampler.
using NoiseSource = std::function<at::Tensor(const at::Tensor& like)>;

struct SampleOptions {
  int steps = 50;       ///< length of the whole schedule N, at least 1
  double strength = 1;  ///< share of the schedule to run, above 0; below 1 for image to image
  std::optional<int> start_step = {};  ///< first base step, 0..N-1; overrides strength
  bool karras = false;                 ///< Karras noise levels, for samplers that have `karras`
  double eta = 0;                      ///< ddim: 0 deterministic .. 1 ancestral
};

/// What a sampler's name stands for, as the user should see it.
struct SamplerInfo {
  std::string name;
  bool karras = false;      ///< follows SampleOptions::karras; the others ignore it
  bool stochastic = false;  ///< draws fresh noise during the run (ddim only with eta)
};

/// All samplers in the order they are listed to users, those of 2.3.0 first.
const std::vector<SamplerInfo>& samplers();
/// Just the names of `samplers()`.
const std::vector<std::string>& sampler_names();

/// One run, fixed before it starts.
struct Plan {
  std::string sampler;
  PredictionType prediction_type = PredictionType::epsilon;
  SampleOptions options;  ///< as asked, `steps` capped to what the grid can hold
  std::vector<NoiseLevel>
      levels;  ///< [n+1] of the n base steps to run, falling; the last ends the run
  std::vector<double> timesteps;  ///< every value handed to the network, in order

  int steps() const { return int(levels.size()) - 1; }
  int evaluations() const { return int(timesteps.size()); }
};

/// Lays out a run. Strength s runs the last floor(N s + 1e-6) of N steps, at least one; samplers
/// with two evaluations per step double the cut grid (generation spec 7.2 "Expect"). Samplers on
/// whole timesteps cap N at one less than the length of the model's schedule. Errors:
/// invalid_argument for steps, strength, start_step and eta out of range, and for unknown names
/// (the message lists the known ones).
Result<Plan> make_plan(std::string_view sampler, const NoiseSchedule& schedule,
                       const SampleOptions& options);

/// alpha * latents + sigma * noise: clean latents brought to a noise level.
at::Tensor add_noise(const NoiseLevel& level, const at::Tensor& latents, const at::Tensor& noise);

/// Where text to image starts: noise [B,4,h,w] of unit variance on zero latents (generation spec
/// 2).
at::Tensor start_from_noise(const Plan& plan, const at::Tensor& noise);
/// Where image to image starts: `latents` at the plan's first level.
at::Tensor start_from_latents(const Plan& plan, const at::Tensor& latents, const at::Tensor& noise);

/// What an observer sees before every network evaluation, and once at the end.
struct StepState {
  int evaluation = 0;         ///< finished so far, 0..evaluations
  int evaluations = 0;        ///< true total of the run
  double timestep = 0;        ///< of the evaluation that finished last (at 0: of the coming one)
  double sigma = 0;           ///< noise per signal at that evaluation, in VE terms
  const at::Tensor& latents;  ///< as they are now, in the sampler's own space
  const at::Tensor& predicted_original;  ///< clean latents as last estimated; undefined at 0
};

/// Returns false to stop the run before the next evaluation.
using Observer = std::function<bool(const StepState&)>;

/// A base step that was just completed (intermediate points of two-evaluation samplers don't
/// count).
struct CompletedStep {
  int step = 0;     ///< 0-based within this run
  int steps = 0;    ///< base steps of this run
  NoiseLevel next;  ///< level the latents are at now; {1, 0} after the last step
};

/// May replace the latents after a completed base step; blending a kept region is
/// `lerp(add_noise(done.next, original, noise), x, mask)`, exact at the end.
using AfterStep = std::function<at::Tensor(const at::Tensor& latents, const CompletedStep& done)>;

struct SampleHooks {
  Observer observer;     ///< may be empty
  AfterStep after_step;  ///< may be empty
};

struct SampleResult {
  at::Tensor latents;      ///< denoised, or after the last completed step of a cancelled run
  bool cancelled = false;  ///< an observer returned false
};

/// Runs a plan on start latents [B,4,h,w] f32 (or f64), on their device, with scalars in double.
/// Same inputs, same result; rows of a batch never mix. `noise` may be empty for samplers that are
/// not stochastic.
SampleResult sample(const Plan& plan, const at::Tensor& start, const Denoiser& denoiser,
                    const NoiseSource& noise = {}, const SampleHooks& hooks = {});

}  // namespace invokeai::sampling
