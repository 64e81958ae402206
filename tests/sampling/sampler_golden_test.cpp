// Trajectories of every sampler against the references of tests/golden/README.md ("Samplers").
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sampling/support.h"

namespace invokeai::sampling {
namespace {

using test::Json;

/// The stand-in network of the golden files.
at::Tensor network(const at::Tensor& x, double t) {
  const at::Tensor j = test::indices();
  return 0.5 * x + 0.25 * (2 * x + j).sin() + 0.1 * (t / 100 + j / 2).cos();
}

/// z_c of the golden files: c = -1 is the starting noise, c = 0, 1, ... that of the steps.
at::Tensor golden_noise(int c) {
  return std::sqrt(2.0) * (1 + 0.7 * c + 0.3 * test::indices()).cos();
}

/// What one run showed: the latents before every evaluation and at the end, and after every step.
struct Trace {
  Plan plan;
  std::vector<double> timesteps;
  std::vector<at::Tensor> before_evaluations, after_steps;
  at::Tensor final;
};

Trace run(const std::string& sampler, const Json& entry, SampleOptions options,
          const at::Tensor& clean, at::ScalarType type) {
  options.steps = entry["steps"];
  ScheduleConfig config;
  config.prediction_type = test::prediction_type(entry["prediction"]);
  const NoiseSchedule schedule = *NoiseSchedule::create(config);
  Trace trace{*make_plan(sampler, schedule, options), {}, {}, {}, {}};
  auto denoiser = [&](const at::Tensor& x, double t) {
    EXPECT_EQ(x.scalar_type(), type);
    trace.timesteps.push_back(t);
    return network(x.flatten(), t).reshape(x.sizes());
  };
  int draws = 0;
  auto noise = [&](const at::Tensor& like) {
    // The files count k_dpm_2_a's noise per step; the second draw of each step is the one used.
    const int draw = draws++;
    return golden_noise(sampler == "k_dpm_2_a" ? draw / 2 : draw).reshape(like.sizes());
  };
  SampleHooks hooks;
  hooks.observer = [&](const StepState& state) {
    EXPECT_EQ(state.evaluation, int(trace.before_evaluations.size()));
    EXPECT_EQ(state.evaluations, trace.plan.evaluations());
    trace.before_evaluations.push_back(state.latents);
    return true;
  };
  hooks.after_step = [&](const at::Tensor& x, const CompletedStep&) {
    trace.after_steps.push_back(x);
    return x;
  };
  const at::Tensor start =
      start_from_latents(trace.plan, clean, golden_noise(-1)).to(type).reshape({1, 4, 2, 2});
  trace.final = sample(trace.plan, start, denoiser, noise, hooks).latents;
  EXPECT_EQ(trace.timesteps, trace.plan.timesteps);
  return trace;
}

void expect_close(const at::Tensor& x, const Json& wanted, double tolerance) {
  EXPECT_LE(test::largest_difference(x, wanted), tolerance);
}

void expect_element(const std::vector<at::Tensor>& xs, int element, const Json& wanted,
                    double tolerance) {
  ASSERT_EQ(xs.size(), wanted.size());
  for (std::size_t i = 0; i < xs.size(); ++i)
    EXPECT_NEAR(xs[i].flatten()[element].item<double>(), wanted[i].get<double>(), tolerance)
        << "entry " << i;
}

void expect_timesteps(const std::vector<double>& timesteps, const Json& wanted, double tolerance) {
  ASSERT_EQ(timesteps.size(), wanted.size());
  for (std::size_t i = 0; i < timesteps.size(); ++i)
    EXPECT_NEAR(timesteps[i], wanted[i].get<double>(), tolerance) << "entry " << i;
}

/// Tolerances: what the golden README promises for double, and 1e-4 for single precision.
struct Precision {
  at::ScalarType type;
  double trajectory, final;
};

class SamplerGolden : public testing::TestWithParam<Precision> {
 protected:
  void compare(const Trace& trace, const Json& entry) {
    expect_timesteps(trace.timesteps, entry["timesteps"], 0.005);
    expect_close(trace.before_evaluations.front(), entry["x_start"], GetParam().trajectory);
    if (entry.contains("trajectory_0")) {
      expect_element(trace.before_evaluations, 0, entry["trajectory_0"], GetParam().trajectory);
      expect_element(trace.before_evaluations, 5, entry["trajectory_5"], GetParam().trajectory);
    }
    expect_close(trace.final, entry["final"], GetParam().final);
  }
  static std::string describe(const Json& entry) {
    return fmt::format("{} {} {} steps {}", entry["sampler"].get<std::string>(),
                       entry["prediction"].get<std::string>(), entry["steps"].get<int>(),
                       entry.value("schedule", ""));
  }
  const at::Tensor zeros_ = at::zeros(16, at::kDouble);
  const at::Tensor picture_ = (0.4 * test::indices()).sin();
};

TEST_P(SamplerGolden, TextToImage) {
  const Json runs = test::golden("samplers.json", "txt2img");
  ASSERT_EQ(runs.size(), 40u);
  for (const Json& entry : runs) {
    SCOPED_TRACE(describe(entry) + (entry.value("eta", 0.0) > 0 ? " eta 1" : ""));
    SampleOptions options;
    if (entry["sampler"] == "ddim") options.eta = entry["eta"];
    compare(run(entry["sampler"], entry, options, zeros_, GetParam().type), entry);
  }
}

TEST_P(SamplerGolden, ImageToImageOnTheCutBaseGrid) {
  const Json runs = test::golden("samplers.json", "img2img");
  ASSERT_EQ(runs.size(), 36u);
  for (const Json& entry : runs) {
    SCOPED_TRACE(describe(entry));
    SampleOptions options;
    options.strength = entry["strength"];
    const Trace trace = run(entry["sampler"], entry, options, picture_, GetParam().type);
    const int start = entry["steps"].get<int>() - trace.plan.steps();
    EXPECT_EQ(start, entry["expected"]["start_index"].get<int>());
    compare(trace, entry["expected"]);
  }
}

TEST_P(SamplerGolden, KDiffusionAndKarras) {
  const Json runs = test::golden("samplers.json", "k_diffusion");
  ASSERT_EQ(runs.size(), 40u);
  for (const Json& entry : runs) {
    SCOPED_TRACE(describe(entry));
    SampleOptions options;
    options.karras = entry["schedule"] == "karras";
    std::string sampler = entry["sampler"];
    if (sampler == "k_dpmpp_2" && !options.karras)
      sampler = "dpmpp_2m";  // with Karras they are one
    Trace trace = run(sampler, entry, options, zeros_, GetParam().type);
    trace.after_steps.insert(trace.after_steps.begin(), trace.before_evaluations.front());
    expect_element(trace.after_steps, 0, entry["trajectory_0"], GetParam().trajectory);
    expect_close(trace.final, entry["final"], GetParam().final);
    const Json& sigmas = entry["sigmas"];
    ASSERT_EQ(trace.plan.levels.size(), sigmas.size());
    for (std::size_t k = 0; k < sigmas.size(); ++k)
      EXPECT_NEAR(trace.plan.levels[k].sigma, sigmas[k].get<double>(), 2e-5);
  }
}

TEST_P(SamplerGolden, LaterSamplers) {
  const Json runs = test::golden("samplers_extra.json", "runs");
  ASSERT_GE(runs.size(), 25u);
  for (const Json& entry : runs) {
    SCOPED_TRACE(describe(entry));
    SampleOptions options;
    options.karras = entry["schedule"] == "karras";
    options.start_step = entry["start_step"].get<int>();
    const at::Tensor& clean = options.start_step == 0 ? zeros_ : picture_;
    compare(run(entry["sampler"], entry, options, clean, GetParam().type), entry);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, SamplerGolden,
                         testing::Values(Precision{at::kDouble, 3e-5, 1e-5},
                                         Precision{at::kFloat, 1e-4, 1e-4}),
                         [](const auto& info) {
                           return info.param.type == at::kDouble ? "Double" : "Single";
                         });

/// The best possible denoiser of N(0,1) data, on one number with all noise zero (generation
/// spec 5.5).
double scalar_gaussian(const std::string& sampler, SampleOptions options) {
  const NoiseSchedule schedule = *NoiseSchedule::create({});
  const Plan plan = *make_plan(sampler, schedule, options);
  auto denoiser = [&](const at::Tensor& x, double t) {
    return x * vp_level(std::exp(test::log_sigma(schedule, t))).sigma;
  };
  auto no_noise = [](const at::Tensor& x) { return at::zeros_like(x); };
  const at::Tensor start = start_from_noise(plan, at::ones({1, 1, 1, 1}, at::kDouble));
  return sample(plan, start, denoiser, no_noise).latents.item<double>();
}

TEST(SamplerScalars, GaussianDataTable) {
  const Json table = test::golden("samplers.json", "scalar_gaussian");
  for (const char* schedule : {"linspace_t", "karras"}) {
    for (const auto& [name, wanted] : table[schedule].items()) {
      SampleOptions options;
      options.steps = 10;
      options.karras = schedule == std::string("karras");
      const std::string sampler = name == "k_dpmpp_2m_kdiffusion" ? "dpmpp_2m" : name;
      EXPECT_NEAR(scalar_gaussian(sampler, options), wanted.get<double>(), 2e-6)
          << sampler << ' ' << schedule;
    }
  }
  const Json& vp = table["vp"];
  EXPECT_NEAR(scalar_gaussian("ddim", {.steps = 10}), vp["ddim_eta0"].get<double>(), 2e-6);
  EXPECT_NEAR(scalar_gaussian("ddim", {.steps = 10, .eta = 1}), vp["ddim_eta1"].get<double>(),
              2e-6);
  EXPECT_NEAR(scalar_gaussian("plms", {.steps = 10}), vp["plms"].get<double>(), 2e-6);
  EXPECT_NEAR(scalar_gaussian("k_dpmpp_2", {.steps = 10}), vp["k_dpmpp_2"].get<double>(), 2e-6);
  EXPECT_NEAR(scalar_gaussian("k_dpmpp_2", {.steps = 20}), vp["k_dpmpp_2_steps20"].get<double>(),
              2e-6);
}

/// Every solver gets closer to the exact answer of the probability flow as steps grow.
TEST(SamplerScalars, ConvergesWithSteps) {
  for (const char* name :
       {"ddim", "plms", "k_lms", "k_euler", "k_heun", "k_dpm_2", "k_dpmpp_2", "dpmpp_2m", "unipc"})
    EXPECT_NEAR(scalar_gaussian(name, {.steps = 400, .karras = true}), 0.9977, 0.02) << name;
}

}  // namespace
}  // namespace invokeai::sampling
