#include "sampling/samplers.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "sampling/internal/run.h"

namespace invokeai::sampling {
namespace {

enum class Grid { linspace, leading, rounded, unipc, lcm };
/// Which points of a base step the network is asked about, beyond its start.
enum class Pattern { start, end_too, middle_too, target_too, first_end_too };

struct Sampler {
  SamplerInfo info;
  Grid grid;
  Pattern pattern;
  void (*body)(Run&);
};

const std::vector<Sampler>& table() {
  static const std::vector<Sampler> samplers = {
      // name, karras, stochastic
      {{"ddim", false, true}, Grid::leading, Pattern::start, sample_ddim},
      {{"k_dpm_2_a", true, true}, Grid::linspace, Pattern::target_too, sample_dpm_2_ancestral},
      {{"k_dpm_2", true, false}, Grid::linspace, Pattern::middle_too, sample_dpm_2},
      {{"k_dpmpp_2_a", true, true}, Grid::linspace, Pattern::target_too, sample_dpmpp_2s_ancestral},
      {{"k_dpmpp_2", true, false}, Grid::rounded, Pattern::start, sample_dpmpp_2m},
      {{"k_euler_a", true, true}, Grid::linspace, Pattern::start, sample_euler_ancestral},
      {{"k_euler", true, false}, Grid::linspace, Pattern::start, sample_euler},
      {{"k_heun", true, false}, Grid::linspace, Pattern::end_too, sample_heun},
      {{"k_lms", true, false}, Grid::linspace, Pattern::start, sample_lms},
      {{"plms", false, false}, Grid::leading, Pattern::first_end_too, sample_plms},
      {{"pndm", false, false}, Grid::leading, Pattern::first_end_too, sample_plms},
      {{"dpmpp_2m", true, false}, Grid::linspace, Pattern::start, sample_dpmpp_2m},
      {{"dpmpp_sde", true, true}, Grid::linspace, Pattern::middle_too, sample_dpmpp_sde},
      {{"unipc", true, false}, Grid::unipc, Pattern::start, sample_unipc},
      {{"lcm", false, true}, Grid::lcm, Pattern::start, sample_lcm},
  };
  return samplers;
}

const Sampler* find(std::string_view name) {
  const auto found = std::ranges::find(table(), name, [](const Sampler& s) { return s.info.name; });
  return found == table().end() ? nullptr : &*found;
}

/// The whole schedule before it is cut: N timesteps and N+1 levels.
struct BaseGrid {
  std::vector<double> timesteps;
  std::vector<NoiseLevel> levels;
};

/// Levels of VE samplers end at sigma 0 (generation spec 5.1).
BaseGrid ve_grid(const NoiseSchedule& schedule, int steps) {
  BaseGrid grid{linspace_timesteps(schedule, steps), {}};
  for (double t : grid.timesteps) grid.levels.push_back(ve_level(schedule.sigma(t)));
  grid.levels.push_back(ve_level(0));
  return grid;
}

BaseGrid karras_grid(const NoiseSchedule& schedule, int steps, bool vp) {
  BaseGrid grid;
  const double least = schedule.sigma(0), most = schedule.sigma(schedule.max_timestep());
  for (double sigma : karras_sigmas(steps, least, most)) {
    grid.timesteps.push_back(schedule.timestep(sigma));
    grid.levels.push_back(vp ? vp_level(sigma) : ve_level(sigma));
  }
  grid.levels.push_back(NoiseLevel{});
  return grid;
}

BaseGrid vp_grid(const NoiseSchedule& schedule, const std::vector<int>& timesteps,
                 const NoiseLevel& end) {
  BaseGrid grid{{timesteps.begin(), timesteps.end()}, {}};
  for (int t : timesteps) grid.levels.push_back(schedule.level(t));
  grid.levels.push_back(end);
  return grid;
}

BaseGrid make_grid(const Sampler& sampler, const NoiseSchedule& schedule,
                   const SampleOptions& options) {
  const int n = options.steps;
  if (options.karras && sampler.info.karras)
    return karras_grid(schedule, n, sampler.grid == Grid::unipc);
  switch (sampler.grid) {
    case Grid::linspace:
      return ve_grid(schedule, n);
    case Grid::leading:
      return vp_grid(schedule, leading_timesteps(schedule, n),
                     schedule.config().set_alpha_to_one ? NoiseLevel{} : schedule.level(0));
    case Grid::rounded:
      return vp_grid(schedule, rounded_timesteps(schedule, n), schedule.level(0));
    case Grid::unipc:
      return vp_grid(schedule, rounded_timesteps(schedule, n), NoiseLevel{});
    case Grid::lcm:
      return vp_grid(schedule, lcm_timesteps(schedule, n), NoiseLevel{});
  }
  INVOKEAI_CHECK(false);
}

/// Timesteps handed to the network, with the second points of two-evaluation samplers put in
/// between.
std::vector<double> evaluation_timesteps(Pattern pattern, const NoiseSchedule& schedule,
                                         const BaseGrid& grid) {
  std::vector<double> all;
  const std::size_t n = grid.timesteps.size();
  for (std::size_t k = 0; k < n; ++k) {
    all.push_back(grid.timesteps[k]);
    if (k + 1 == n) break;  // the last step is always a single evaluation
    const double sigma = grid.levels[k].sigma, next = grid.levels[k + 1].sigma;
    if (pattern == Pattern::end_too || (pattern == Pattern::first_end_too && k == 0))
      all.push_back(grid.timesteps[k + 1]);
    if (pattern == Pattern::middle_too) all.push_back(schedule.timestep(std::sqrt(sigma * next)));
    // The geometric mean of sigma and the ancestral target next^2 / sigma is next itself.
    if (pattern == Pattern::target_too) all.push_back(schedule.timestep(next));
  }
  return all;
}

std::string listed_names() {
  std::string list;
  for (const std::string& name : sampler_names()) list += (list.empty() ? "" : ", ") + name;
  return list;
}

Result<> check_options(const SampleOptions& options) {
  constexpr const char* kOrigin = "sampling.plan";
  if (options.steps < 1)
    return fail(ErrorCode::invalid_argument, kOrigin, "steps must be at least 1, not {}",
                options.steps);
  if (!(options.strength > 0 && options.strength <= 1))
    return fail(ErrorCode::invalid_argument, kOrigin,
                "strength must be above 0 and at most 1, not {}", options.strength);
  if (!(options.eta >= 0 && options.eta <= 1))
    return fail(ErrorCode::invalid_argument, kOrigin, "eta must be 0 to 1, not {}", options.eta);
  if (options.start_step && (*options.start_step < 0 || *options.start_step >= options.steps))
    return fail(ErrorCode::invalid_argument, kOrigin, "start_step must be 0 to {}, not {}",
                options.steps - 1, *options.start_step);
  return {};
}

/// First base step to run; a hair is added so that 50 * 0.58 makes 29 and not 28.
int first_step(const SampleOptions& options) {
  if (options.start_step) return std::min(*options.start_step, options.steps - 1);
  const int run = int(std::floor(options.steps * options.strength + 1e-6));
  return options.steps - std::clamp(run, 1, options.steps);
}

}  // namespace

const std::vector<SamplerInfo>& samplers() {
  static const std::vector<SamplerInfo> infos = [] {
    std::vector<SamplerInfo> list;
    for (const Sampler& sampler : table()) list.push_back(sampler.info);
    return list;
  }();
  return infos;
}

const std::vector<std::string>& sampler_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const SamplerInfo& info : samplers()) list.push_back(info.name);
    return list;
  }();
  return names;
}

Result<Plan> make_plan(std::string_view name, const NoiseSchedule& schedule,
                       const SampleOptions& options) {
  const Sampler* sampler = find(name);
  if (!sampler)
    return fail(ErrorCode::invalid_argument, "sampling.plan",
                "there is no sampler '{}'; use one of {}", name, listed_names());
  TRY_VOID(check_options(options));
  Plan plan{sampler->info.name, schedule.config().prediction_type, options, {}, {}};
  // More steps than whole timesteps would repeat some, or step outside the table (generation
  // spec 5.2).
  if (sampler->grid != Grid::linspace)
    plan.options.steps = std::min(options.steps, schedule.max_timestep());
  BaseGrid grid = make_grid(*sampler, schedule, plan.options);
  const int first = first_step(plan.options);
  grid.timesteps.erase(grid.timesteps.begin(), grid.timesteps.begin() + first);
  grid.levels.erase(grid.levels.begin(), grid.levels.begin() + first);
  plan.timesteps = evaluation_timesteps(sampler->pattern, schedule, grid);
  plan.levels = std::move(grid.levels);
  return plan;
}

at::Tensor add_noise(const NoiseLevel& level, const at::Tensor& latents, const at::Tensor& noise) {
  return latents * level.alpha + noise * level.sigma;
}

at::Tensor start_from_noise(const Plan& plan, const at::Tensor& noise) {
  return noise * plan.levels.front().sigma;
}

at::Tensor start_from_latents(const Plan& plan, const at::Tensor& latents,
                              const at::Tensor& noise) {
  return add_noise(plan.levels.front(), latents, noise);
}

SampleResult sample(const Plan& plan, const at::Tensor& start, const Denoiser& denoiser,
                    const NoiseSource& noise, const SampleHooks& hooks) {
  const Sampler* sampler = find(plan.sampler);
  INVOKEAI_CHECK(sampler != nullptr);
  const at::NoGradGuard no_grad;
  Run run(plan, denoiser, noise, hooks, start);
  sampler->body(run);
  run.report(run.latents());
  return {run.latents(), run.stopped()};
}

}  // namespace invokeai::sampling
