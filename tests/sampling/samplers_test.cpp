// Plans, hooks, cancelling, batches and errors of the samplers; the numbers are in
// sampler_golden_test.
#include "sampling/samplers.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

#include "sampling/noise.h"
#include "sampling/support.h"

namespace invokeai::sampling {
namespace {

NoiseSchedule stable_diffusion() { return *NoiseSchedule::create({}); }

Plan plan_of(const std::string& sampler, SampleOptions options) {
  return *make_plan(sampler, stable_diffusion(), options);
}

/// A smooth network whose answer for a picture depends on that picture and the timestep only.
at::Tensor smooth(const at::Tensor& x, double t) {
  return 0.5 * x + 0.2 * (2 * x).sin() + 0.1 * std::cos(t / 100);
}

TEST(Samplers, NamesInTheOrderShownToUsers) {
  const std::vector<std::string> wanted = {
      "ddim",  "k_dpm_2_a", "k_dpm_2", "k_dpmpp_2_a", "k_dpmpp_2", "k_euler_a", "k_euler", "k_heun",
      "k_lms", "plms",      "pndm",    "dpmpp_2m",    "dpmpp_sde", "unipc",     "lcm"};
  EXPECT_EQ(sampler_names(), wanted);
}

TEST(Samplers, BadRequestsAreErrorsThatSayWhatIsAllowed) {
  const NoiseSchedule schedule = stable_diffusion();
  const auto message = [&](const std::string& sampler, SampleOptions options) {
    const auto plan = make_plan(sampler, schedule, options);
    EXPECT_FALSE(plan.has_value());
    return plan ? "" : plan.error().message;
  };
  EXPECT_NE(message("k_magic", {}).find("ddim, k_dpm_2_a"), std::string::npos);
  EXPECT_EQ(message("ddim", {.steps = 0}), "steps must be at least 1, not 0");
  EXPECT_NE(message("ddim", {.strength = 0}).find("strength"), std::string::npos);
  EXPECT_NE(message("ddim", {.strength = 1.1}).find("strength"), std::string::npos);
  EXPECT_NE(message("ddim", {.strength = std::nan("")}).find("strength"), std::string::npos);
  EXPECT_NE(message("ddim", {.eta = -1}).find("eta"), std::string::npos);
  EXPECT_NE(message("ddim", {.steps = 5, .start_step = 5}).find("0 to 4"), std::string::npos);
}

TEST(Samplers, EvaluationCounts) {
  const std::set<std::string> two_per_step = {"k_dpm_2_a", "k_dpm_2", "k_dpmpp_2_a", "k_heun",
                                              "dpmpp_sde"};
  for (const std::string& name : sampler_names()) {
    for (int n : {1, 2, 3, 8}) {
      const bool plms = name == "plms" || name == "pndm";
      const int wanted = two_per_step.contains(name) ? 2 * n - 1 : plms && n > 1 ? n + 1 : n;
      EXPECT_EQ(plan_of(name, {.steps = n}).evaluations(), wanted) << name << ' ' << n;
    }
  }
}

TEST(Samplers, StrengthCutsTheBaseGrid) {
  // 50 * 0.58 is 28.999... in binary; 2.3.0 ran 28 steps (generation spec 7.2).
  EXPECT_EQ(plan_of("k_lms", {.steps = 50, .strength = 0.58}).steps(), 29);
  EXPECT_EQ(plan_of("k_lms", {.steps = 100, .strength = 0.29}).steps(), 29);
  EXPECT_EQ(plan_of("k_lms", {.steps = 50, .strength = 0.75}).steps(), 37);
  EXPECT_EQ(plan_of("k_lms", {.steps = 10, .strength = 0.01}).steps(), 1);
  EXPECT_NEAR(plan_of("k_lms", {.steps = 50, .strength = 0.75}).timesteps[0], 733.959, 1e-3);
  EXPECT_EQ(plan_of("ddim", {.steps = 50, .strength = 0.75}).timesteps[0], 721);
  EXPECT_EQ(plan_of("k_dpmpp_2", {.steps = 50, .strength = 0.75}).timesteps[0], 739);
  const Plan heun = plan_of("k_heun", {.steps = 50, .strength = 0.75});
  EXPECT_EQ(heun.evaluations(), 2 * 37 - 1);
  EXPECT_EQ(heun.timesteps[1], heun.timesteps[2]);
}

TEST(Samplers, OneStepStartsAtFullNoise) {
  for (const std::string& name : sampler_names())
    EXPECT_EQ(plan_of(name, {.steps = 1}).timesteps.front(), 999) << name;
}

/// Whole-timestep grids never repeat an entry and start at the top, even past their capacity.
TEST(Samplers, ManySteps) {
  for (const char* name : {"ddim", "plms", "k_dpmpp_2", "unipc", "lcm"}) {
    for (int n : {501, 999, 1000, 5000}) {
      const Plan plan = plan_of(name, {.steps = n});
      EXPECT_EQ(plan.steps(), std::min(n, 999)) << name;
      EXPECT_GE(plan.timesteps.front(), 998) << name;
      for (int k = 0; k < plan.steps(); ++k)
        ASSERT_GT(plan.levels[k].ratio(), plan.levels[k + 1].ratio())
            << name << ' ' << n << ' ' << k;
    }
  }
}

TEST(Samplers, TimestepListsOfTheOriginal) {
  const test::Json lists = test::golden("samplers.json", "schedule")["timesteps"];
  for (const auto& [steps, families] : lists.items()) {
    if (steps == "1") continue;  // 2.3.0 starts at timestep 0 or 1 there, and we knowingly don't
    for (const auto& [family, wanted] : families.items()) {
      const std::string name = family == "k_family" ? "k_euler" : family;
      const Plan plan = plan_of(name, {.steps = std::stoi(steps)});
      ASSERT_EQ(plan.timesteps.size(), wanted.size()) << family << ' ' << steps;
      for (std::size_t i = 0; i < wanted.size(); ++i)
        EXPECT_NEAR(plan.timesteps[i], wanted[i].get<double>(), steps == "2" ? 0.02 : 0.005)
            << family << ' ' << steps << ' ' << i;
    }
  }
}

/// A network that always says the same noise leaves every deterministic VE sampler on a straight
/// line.
TEST(Samplers, ConstantNoiseIsRemovedExactly) {
  const at::Tensor noise = at::linspace(-2, 2, 16, at::kDouble).reshape({1, 4, 2, 2});
  const at::Tensor clean = at::linspace(3, -1, 16, at::kDouble).reshape({1, 4, 2, 2});
  for (const char* name : {"k_lms", "k_euler", "k_heun", "k_dpm_2", "dpmpp_2m"}) {
    for (int n : {1, 2, 7, 30}) {
      const Plan plan = plan_of(name, {.steps = n});
      const at::Tensor end =
          sample(plan, start_from_latents(plan, clean, noise), [&](const at::Tensor&, double) {
            return noise;
          }).latents;
      EXPECT_LE((end - clean).abs().max().item<double>(), 1e-12) << name << ' ' << n;
    }
  }
}

/// A network that knows the clean picture makes every sampler land on it.
TEST(Samplers, PerfectNetworkGivesThePicture) {
  const NoiseSchedule schedule = stable_diffusion();
  BatchNoise noise({1});
  const at::Tensor clean = noise.normal({4, 8, 8});
  for (const std::string& name : sampler_names()) {
    const Plan plan = plan_of(name, {.steps = 8});
    const at::Tensor start = start_from_noise(plan, noise.normal({4, 8, 8}));
    int call = 0;
    auto denoiser = [&](const at::Tensor& x, double t) {
      const NoiseLevel level = vp_level(std::exp(test::log_sigma(schedule, t)));
      ++call;
      return (x - level.alpha * clean) / level.sigma;
    };
    const at::Tensor end = sample(plan, start, denoiser, noise.source()).latents;
    EXPECT_EQ(call, plan.evaluations());
    // ddim, plms and k_dpmpp_2 stop at timestep 0, where a little noise is left, as in 2.3.0
    const double left = plan.levels.back().sigma > 0 ? 0.15 : 0.01;
    EXPECT_LE((end - clean).abs().max().item<double>(), left) << name;
  }
}

TEST(Samplers, CancelIsNoticedBeforeEveryEvaluation) {
  for (const std::string& name : sampler_names()) {
    const Plan plan = plan_of(name, {.steps = 4, .eta = 1});
    for (int stop = 0; stop <= plan.evaluations(); ++stop) {
      BatchNoise noise({7});
      const at::Tensor start = start_from_noise(plan, noise.normal({4, 4, 4}));
      int calls = 0, steps = 0;
      at::Tensor last = start;
      auto denoiser = [&](const at::Tensor& x, double t) { return ++calls, smooth(x, t); };
      SampleHooks hooks;
      hooks.observer = [&](const StepState& state) {
        EXPECT_EQ(state.predicted_original.defined(), state.evaluation > 0);
        return state.evaluation < stop;
      };
      hooks.after_step = [&](const at::Tensor& x, const CompletedStep&) {
        return ++steps, last = x;
      };
      const SampleResult result = sample(plan, start, denoiser, noise.source(), hooks);
      EXPECT_TRUE(result.cancelled);
      EXPECT_EQ(calls, stop) << name;
      EXPECT_TRUE(result.latents.equal(last)) << name;
      EXPECT_LE(steps, stop);
    }
  }
}

TEST(Samplers, BatchGivesTheSamePicturesAsAlone) {
  const std::vector<std::uint32_t> seeds = {11, 22, 33, 44};
  for (const std::string& name : sampler_names()) {
    const Plan plan = plan_of(name, {.steps = 5, .eta = 0.5});
    auto draw = [&](const std::vector<std::uint32_t>& chosen) {
      BatchNoise noise(chosen);
      const at::Tensor start = start_from_noise(plan, noise.normal({4, 8, 8}));
      return sample(plan, start, smooth, noise.source()).latents;
    };
    const at::Tensor together = draw(seeds);
    ASSERT_EQ(together.sizes(), (at::IntArrayRef{4, 4, 8, 8}));
    for (std::size_t i = 0; i < seeds.size(); ++i)
      EXPECT_LE((draw({seeds[i]})[0] - together[i]).abs().max().item<double>(), 1e-6) << name;
    EXPECT_GT((together[0] - together[1]).abs().max().item<double>(), 0.1) << name;
    EXPECT_TRUE(draw(seeds).equal(together)) << name;
  }
}

/// The blend an inpainting caller makes: kept latents follow the noise level and end exactly.
TEST(Samplers, AfterStepKeepsARegionExactly) {
  const at::Tensor mask = at::zeros({1, 1, 4, 4});
  mask.slice(3, 2, 4).fill_(1);  // right half is repainted
  for (const std::string& name : sampler_names()) {
    const Plan plan = plan_of(name, {.steps = 6, .strength = 0.7});
    BatchNoise source({3});
    const at::Tensor original = source.normal({4, 4, 4}), noise = source.normal({4, 4, 4});
    std::vector<double> ratios;
    SampleHooks hooks;
    hooks.after_step = [&](const at::Tensor& x, const CompletedStep& done) {
      EXPECT_EQ(done.step, int(ratios.size()));
      EXPECT_EQ(done.steps, plan.steps());
      ratios.push_back(done.next.ratio());
      return at::lerp(add_noise(done.next, original, noise), x, mask.expand_as(x));
    };
    const at::Tensor end =
        sample(plan, start_from_latents(plan, original, noise), smooth, source.source(), hooks)
            .latents;
    EXPECT_TRUE(end.slice(3, 0, 2).equal(original.slice(3, 0, 2))) << name;
    ASSERT_EQ(int(ratios.size()), plan.steps()) << name;
    for (int k = 0; k + 1 < plan.steps(); ++k)
      EXPECT_DOUBLE_EQ(ratios[k], plan.levels[k + 1].ratio()) << name;
    EXPECT_EQ(ratios.back(), 0);
  }
}

TEST(Samplers, NetworkMayAnswerInHalfPrecision) {
  const Plan plan = plan_of("k_heun", {.steps = 3});
  const at::Tensor start = start_from_noise(plan, NoiseStream(5).normal({1, 4, 4, 4}));
  const at::Tensor end = sample(plan, start, [](const at::Tensor& x, double t) {
                           return smooth(x, t).to(at::kHalf);
                         }).latents;
  EXPECT_EQ(end.scalar_type(), at::kFloat);
  EXPECT_LE((end - sample(plan, start, smooth).latents).abs().max().item<double>(), 0.02);
}

}  // namespace
}  // namespace invokeai::sampling
