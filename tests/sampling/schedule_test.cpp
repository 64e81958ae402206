#include "sampling/schedule.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "sampling/support.h"

namespace invokeai::sampling {
namespace {

using test::Json;

NoiseSchedule stable_diffusion() { return *NoiseSchedule::create({}); }

TEST(Schedule, TablesOfStableDiffusion) {
  const Json wanted = test::golden("samplers.json", "schedule");
  const NoiseSchedule schedule = stable_diffusion();
  for (const auto& [t, alpha] : wanted["alphas_cumprod"].items())
    EXPECT_NEAR(schedule.alphas_cumprod()[std::stoi(t)], alpha.get<double>(), 1e-9) << t;
  EXPECT_NEAR(schedule.sigma(0), wanted["sigma_0"].get<double>(), 1e-7);
  EXPECT_NEAR(schedule.sigma(999), wanted["sigma_999"].get<double>(), 1e-6);
  const std::vector<double> karras = karras_sigmas(10, schedule.sigma(0), schedule.sigma(999));
  for (int k = 0; k < 10; ++k)
    EXPECT_NEAR(karras[k], wanted["karras_10"][k].get<double>(), 1e-6) << k;
}

TEST(Schedule, SigmaAndTimestepInvertEachOther) {
  const NoiseSchedule schedule = stable_diffusion();
  for (int t = 0; t <= 999; ++t) EXPECT_NEAR(schedule.timestep(schedule.sigma(t)), t, 1e-9);
  EXPECT_DOUBLE_EQ(schedule.sigma(10.5), (schedule.sigma(10) + schedule.sigma(11)) / 2);
  EXPECT_NEAR(schedule.timestep(std::sqrt(schedule.sigma(10) * schedule.sigma(11))), 10.5, 1e-9);
  EXPECT_EQ(schedule.timestep(1e-9), 0);
  EXPECT_EQ(schedule.timestep(1e9), 999);
  EXPECT_EQ(schedule.sigma(-3), schedule.sigma(0));
  EXPECT_EQ(schedule.sigma(2000), schedule.sigma(999));
}

TEST(Schedule, LevelsOfBothFamilies) {
  const NoiseSchedule schedule = stable_diffusion();
  for (int t : {0, 500, 999}) {
    const NoiseLevel table = schedule.level(t), vp = vp_level(schedule.sigma(t));
    EXPECT_NEAR(table.alpha, vp.alpha, 1e-12);
    EXPECT_NEAR(table.sigma, vp.sigma, 1e-12);
    EXPECT_NEAR(table.ratio(), ve_level(schedule.sigma(t)).ratio(), 1e-9);
    EXPECT_NEAR(table.lambda(), -std::log(schedule.sigma(t)), 1e-9);
  }
}

/// First and last signal share of the other beta schedules, by hand and from diffusers.
TEST(Schedule, OtherBetas) {
  ScheduleConfig linear{.num_train_timesteps = 3,
                        .beta_start = 0.1,
                        .beta_end = 0.3,
                        .beta_schedule = *parse_beta_schedule("linear")};
  EXPECT_NEAR(NoiseSchedule::create(linear)->alphas_cumprod()[2], 0.9 * 0.8 * 0.7, 1e-15);
  ScheduleConfig trained{.trained_betas = {0.5, 0.25}};
  EXPECT_NEAR(NoiseSchedule::create(trained)->alphas_cumprod()[1], 0.375, 1e-15);
  EXPECT_EQ(NoiseSchedule::create(trained)->max_timestep(), 1);
  ScheduleConfig cosine{.beta_schedule = *parse_beta_schedule("squaredcos_cap_v2")};
  const auto alphas = NoiseSchedule::create(cosine)->alphas_cumprod();
  EXPECT_NEAR(alphas[0], 0.9999587, 1e-6);
  EXPECT_NEAR(alphas[499], 0.4938, 1e-3);
  EXPECT_LT(alphas[999], 1e-8);
}

TEST(Schedule, ZeroSignalRescaling) {
  const NoiseSchedule plain = stable_diffusion();
  const NoiseSchedule rescaled = *NoiseSchedule::create({.rescale_betas_zero_snr = true});
  EXPECT_NEAR(rescaled.alphas_cumprod()[0], plain.alphas_cumprod()[0], 1e-12);
  EXPECT_NEAR(rescaled.sigma(999), 4096, 1);
  EXPECT_LT(rescaled.alphas_cumprod()[500], plain.alphas_cumprod()[500]);
}

TEST(Schedule, BadValuesAreErrors) {
  EXPECT_FALSE(NoiseSchedule::create({.num_train_timesteps = 1}));
  EXPECT_FALSE(NoiseSchedule::create({.beta_start = 0}));
  EXPECT_FALSE(NoiseSchedule::create({.beta_end = 1.5}));
  EXPECT_FALSE(NoiseSchedule::create({.beta_end = std::nan("")}));
  EXPECT_FALSE(NoiseSchedule::create({.trained_betas = {0.5, -1}}));
  EXPECT_FALSE(NoiseSchedule::create({.steps_offset = 1000}));
  EXPECT_FALSE(NoiseSchedule::create({.trained_betas = std::vector<double>(2000, 0.9)}));
  EXPECT_NE(parse_prediction_type("flow").error().message.find("v_prediction"), std::string::npos);
  EXPECT_NE(parse_beta_schedule("sigmoid").error().message.find("scaled_linear"),
            std::string::npos);
}

TEST(Schedule, LcmGrid) {
  const NoiseSchedule schedule = stable_diffusion();
  EXPECT_EQ(lcm_timesteps(schedule, 1), (std::vector<int>{999}));
  EXPECT_EQ(lcm_timesteps(schedule, 4), (std::vector<int>{999, 759, 499, 259}));
}

}  // namespace
}  // namespace invokeai::sampling
