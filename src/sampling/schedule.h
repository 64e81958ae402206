#pragma once
// The noise schedule a model was trained with, and the timestep grids cut out of it. Plain numbers
// in double precision: the tables of the original are 32 bit and differ by up to 1e-5 (generation
// spec 4).

#include <cmath>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace invokeai::sampling {

enum class BetaSchedule { scaled_linear, linear, squaredcos_cap_v2 };

/// What the network's output means: the noise, the velocity v, or the clean latent.
enum class PredictionType { epsilon, v_prediction, sample };

/// Names as in scheduler_config.json. Errors: unsupported, listing what is known.
Result<BetaSchedule> parse_beta_schedule(std::string_view name);
Result<PredictionType> parse_prediction_type(std::string_view name);

/// The part of scheduler_config.json that describes the model; defaults are Stable Diffusion 1.
struct ScheduleConfig {
  int num_train_timesteps = 1000;
  double beta_start = 0.00085;
  double beta_end = 0.012;
  BetaSchedule beta_schedule = BetaSchedule::scaled_linear;
  std::vector<double> trained_betas = {};  ///< when not empty, used instead of the three above
  PredictionType prediction_type = PredictionType::epsilon;
  bool rescale_betas_zero_snr = false;
  int steps_offset = 1;           ///< last timestep of the "leading" grid
  bool set_alpha_to_one = false;  ///< where ddim and plms end: 1, or else the level of timestep 0
};

/// A latent at this level is alpha * clean + sigma * N(0,1) noise. Two families are used:
/// variance exploding ("VE": alpha = 1) and variance preserving ("VP": alpha^2 + sigma^2 = 1).
struct NoiseLevel {
  double alpha = 1;
  double sigma = 0;

  /// Noise per signal, the sigma of the same level in VE terms.
  double ratio() const { return sigma / alpha; }
  /// Half the logarithm of the signal-to-noise ratio; +infinity for a clean latent.
  double lambda() const { return std::log(alpha) - std::log(sigma); }
};

/// Level with the given sigma, VE. 0 is a clean latent.
NoiseLevel ve_level(double sigma);
/// The VP level with the same noise per signal as `ve_level(sigma)`.
NoiseLevel vp_level(double sigma);

/// Cumulative products of one model's schedule; timesteps run from 0 (clean) to `max_timestep()`.
class NoiseSchedule {
 public:
  /// Errors: invalid_argument, when the values give no falling signal (naming the value).
  static Result<NoiseSchedule> create(ScheduleConfig config);

  const ScheduleConfig& config() const { return config_; }
  int max_timestep() const { return config_.num_train_timesteps - 1; }
  /// Share of signal variance left at each timestep, falling.
  const std::vector<double>& alphas_cumprod() const { return alphas_cumprod_; }
  /// VP level of a whole timestep in 0..max_timestep().
  NoiseLevel level(int timestep) const;
  /// VE sigma at a timestep, linear between the table's entries (generation spec 5.1).
  double sigma(double timestep) const;
  /// The timestep of a VE sigma, linear in log sigma, clamped to the table (generation spec 5.1).
  double timestep(double sigma) const;

 private:
  ScheduleConfig config_;
  std::vector<double> alphas_cumprod_;
  std::vector<double> sigmas_;
  std::vector<double> log_sigmas_;
};

/// `steps` real timesteps from the last to 0, evenly (generation spec 5.1); one step is the last
/// one.
std::vector<double> linspace_timesteps(const NoiseSchedule& schedule, int steps);

/// Whole multiples of floor(T/steps), plus the offset, falling (generation spec 5.2). A single step
/// starts at the last timestep, where 2.3.0 started at timestep 1, almost free of noise; above half
/// of T steps, where the rounded multiple is 1 and 2.3.0 started too low, timesteps are spread
/// evenly.
std::vector<int> leading_timesteps(const NoiseSchedule& schedule, int steps);

/// round(i * (max / steps)) for i = steps..1, halves to even (generation spec 5.4).
std::vector<int> rounded_timesteps(const NoiseSchedule& schedule, int steps);

/// Evenly picked from the 50 timesteps on which latent consistency models were distilled.
/// Source: Luo et al. 2023, "Latent Consistency Models", section 4.3 (skipping steps).
std::vector<int> lcm_timesteps(const NoiseSchedule& schedule, int steps);

/// Falling sigmas from max to min, evenly in sigma^(1/rho). Source: Karras et al. 2022, equation 5.
std::vector<double> karras_sigmas(int steps, double sigma_min, double sigma_max, double rho = 7);

}  // namespace invokeai::sampling
