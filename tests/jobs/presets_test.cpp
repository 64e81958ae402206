// What the names of --preset stand for.

#include "jobs/presets.h"

#include <gtest/gtest.h>

#include "jobs/job.h"

namespace invokeai::jobs {
namespace {

SettingValues with_preset(const std::string& name) {
  SettingValues values;
  values.set("preset", name);
  return values;
}

TEST(Presets, EveryNameOfTheTableIsKnown) {
  for (const std::string& name : choices_of(setting("preset"))) {
    SettingValues values = with_preset(name);
    take_preset(values);
    EXPECT_TRUE(values.has("sampler_name") && values.has("steps")) << name;
    EXPECT_LE(values.integer("steps"), 20) << name;
  }
}

TEST(Presets, WhatIsGivenStays) {
  SettingValues values = with_preset("dpmpp");
  values.set("steps", std::int64_t{30});
  SettingValues recommended;
  recommended.set("sampler_name", std::string("ddim"));
  recommended.set("cfg_scale", 3.0);
  EXPECT_EQ(take_recommended(values, recommended), "this model recommends guidance 3");
  EXPECT_EQ(values.integer("steps"), 30);
  EXPECT_EQ(values.text("sampler_name"), "dpmpp_2m") << "asked for, so before what the model advises";
  EXPECT_TRUE(values.flag("karras"));
  SettingValues none;
  take_preset(none);
  EXPECT_TRUE(none.given().empty());
}

TEST(Presets, DistilledModelsRunWithoutGuidance) {
  const auto job = make_job("a star", with_preset("lcm"), "/tmp");
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->request.sampler, "lcm");
  EXPECT_EQ(job->request.steps, 4);
  EXPECT_EQ(job->request.cfg_scale, 1);
}

}  // namespace
}  // namespace invokeai::jobs
