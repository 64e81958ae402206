#include "sampling/schedule.h"

#include <algorithm>
#include <cstdint>
#include <numbers>

namespace invokeai::sampling {
namespace {

// A schedule rescaled to zero signal would end at an infinite sigma; 2^-24 of signal variance keeps
// it at 4096, which no latent can tell from infinity.
constexpr double kLeastSignal = 0x1p-24;

/// i-th of n evenly spaced values from `first` to `last`.
double lerp_at(double first, double last, int i, int n) {
  return n == 1 ? first : first + (last - first) * i / (n - 1);
}

/// Share of signal left at time 0..1 in the cosine schedule. Source: Nichol and Dhariwal 2021,
/// eq. 17.
double cosine_signal(double time) {
  double c = std::cos((time + 0.008) / 1.008 * std::numbers::pi / 2);
  return c * c;
}

std::vector<double> make_betas(const ScheduleConfig& config) {
  if (!config.trained_betas.empty()) return config.trained_betas;
  const int n = config.num_train_timesteps;
  std::vector<double> betas(n);
  for (int i = 0; i < n; ++i) {
    switch (config.beta_schedule) {
      case BetaSchedule::linear:
        betas[i] = lerp_at(config.beta_start, config.beta_end, i, n);
        break;
      case BetaSchedule::scaled_linear: {
        double root = lerp_at(std::sqrt(config.beta_start), std::sqrt(config.beta_end), i, n);
        betas[i] = root * root;
        break;
      }
      case BetaSchedule::squaredcos_cap_v2:
        betas[i] = std::min(1 - cosine_signal((i + 1.0) / n) / cosine_signal(double(i) / n), 0.999);
        break;
    }
  }
  return betas;
}

/// Shifts and stretches the signal so that it ends at zero and starts where it did.
/// Source: Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed", Alg. 1.
void rescale_to_zero_snr(std::vector<double>& alphas_cumprod) {
  const double first = std::sqrt(alphas_cumprod.front()), last = std::sqrt(alphas_cumprod.back());
  for (double& value : alphas_cumprod) {
    double root = (std::sqrt(value) - last) * first / (first - last);
    value = std::max(root * root, kLeastSignal);
  }
}

}  // namespace

Result<BetaSchedule> parse_beta_schedule(std::string_view name) {
  if (name == "scaled_linear") return BetaSchedule::scaled_linear;
  if (name == "linear") return BetaSchedule::linear;
  if (name == "squaredcos_cap_v2") return BetaSchedule::squaredcos_cap_v2;
  return fail(ErrorCode::unsupported, "sampling.schedule",
              "beta_schedule '{}' is not known; use scaled_linear, linear or squaredcos_cap_v2",
              name);
}

Result<PredictionType> parse_prediction_type(std::string_view name) {
  if (name == "epsilon") return PredictionType::epsilon;
  if (name == "v_prediction") return PredictionType::v_prediction;
  if (name == "sample") return PredictionType::sample;
  return fail(ErrorCode::unsupported, "sampling.schedule",
              "prediction_type '{}' is not known; use epsilon, v_prediction or sample", name);
}

NoiseLevel ve_level(double sigma) { return {1, sigma}; }

NoiseLevel vp_level(double sigma) {
  double alpha = 1 / std::sqrt(1 + sigma * sigma);
  return {alpha, sigma * alpha};
}

Result<NoiseSchedule> NoiseSchedule::create(ScheduleConfig config) {
  if (!config.trained_betas.empty()) config.num_train_timesteps = int(config.trained_betas.size());
  if (config.num_train_timesteps < 2 || config.num_train_timesteps > 1'000'000)
    return fail(ErrorCode::invalid_argument, "sampling.schedule",
                "num_train_timesteps must be 2 to 1000000, not {}", config.num_train_timesteps);
  if (config.steps_offset < 0 || config.steps_offset >= config.num_train_timesteps)
    return fail(ErrorCode::invalid_argument, "sampling.schedule",
                "steps_offset must be 0 to {}, not {}", config.num_train_timesteps - 1,
                config.steps_offset);
  NoiseSchedule schedule;
  double product = 1;
  for (double beta : make_betas(config)) {
    if (!(beta > 0 && beta < 1))
      return fail(ErrorCode::invalid_argument, "sampling.schedule",
                  "every beta must lie between 0 and 1, but one is {}", beta);
    product *= 1 - beta;
    schedule.alphas_cumprod_.push_back(product);
  }
  if (product <= 0)
    return fail(ErrorCode::invalid_argument, "sampling.schedule",
                "the betas leave no signal at the last timestep; check beta_start and beta_end");
  if (config.rescale_betas_zero_snr) rescale_to_zero_snr(schedule.alphas_cumprod_);
  for (double alpha : schedule.alphas_cumprod_) {
    schedule.sigmas_.push_back(std::sqrt((1 - alpha) / alpha));
    schedule.log_sigmas_.push_back(std::log(schedule.sigmas_.back()));
  }
  schedule.config_ = std::move(config);
  return schedule;
}

NoiseLevel NoiseSchedule::level(int timestep) const {
  const double alpha = alphas_cumprod_.at(timestep);
  return {std::sqrt(alpha), std::sqrt(1 - alpha)};
}

double NoiseSchedule::sigma(double timestep) const {
  const int low = std::clamp(int(std::floor(timestep)), 0, max_timestep() - 1);
  return std::lerp(sigmas_[low], sigmas_[low + 1], std::clamp(timestep - low, 0.0, 1.0));
}

double NoiseSchedule::timestep(double sigma) const {
  const double wanted = std::log(sigma);
  const auto above = std::upper_bound(log_sigmas_.begin(), log_sigmas_.end(), wanted);
  const int low = std::clamp(int(above - log_sigmas_.begin()) - 1, 0, max_timestep() - 1);
  const double part = (wanted - log_sigmas_[low]) / (log_sigmas_[low + 1] - log_sigmas_[low]);
  return low + std::clamp(part, 0.0, 1.0);
}

std::vector<double> linspace_timesteps(const NoiseSchedule& schedule, int steps) {
  std::vector<double> grid(steps);
  for (int k = 0; k < steps; ++k) grid[k] = lerp_at(schedule.max_timestep(), 0, k, steps);
  return grid;
}

std::vector<int> leading_timesteps(const NoiseSchedule& schedule, int steps) {
  if (steps == 1) return {schedule.max_timestep()};
  const std::int64_t count = schedule.config().num_train_timesteps, ratio = count / steps;
  std::vector<int> grid;
  for (int i = steps - 1; i >= 0; --i) {
    const std::int64_t t = ratio > 1 ? i * ratio : i * count / steps;
    grid.push_back(std::min(int(t) + schedule.config().steps_offset, schedule.max_timestep()));
  }
  return grid;
}

std::vector<int> rounded_timesteps(const NoiseSchedule& schedule, int steps) {
  // Product of the rounded quotient, as NumPy's linspace: 15 * (999 / 30) falls short of 499.5.
  const double distance = double(schedule.max_timestep()) / steps;
  std::vector<int> grid;
  for (int i = steps; i >= 1; --i) grid.push_back(int(std::nearbyint(i * distance)));
  return grid;
}

std::vector<int> lcm_timesteps(const NoiseSchedule& schedule, int steps) {
  const std::int64_t count = schedule.config().num_train_timesteps;
  const std::int64_t distilled = std::max<std::int64_t>(std::min<std::int64_t>(50, count), steps);
  std::vector<int> grid;
  for (int k = 0; k < steps; ++k)
    grid.push_back(int((distilled - k * distilled / steps) * count / distilled - 1));
  return grid;
}

std::vector<double> karras_sigmas(int steps, double sigma_min, double sigma_max, double rho) {
  std::vector<double> sigmas(steps);
  for (int k = 0; k < steps; ++k)
    sigmas[k] = std::pow(
        lerp_at(std::pow(sigma_max, 1 / rho), std::pow(sigma_min, 1 / rho), k, steps), rho);
  return sigmas;
}

}  // namespace invokeai::sampling
