#include "base/json_settings.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"

namespace invokeai {
namespace {

using Json = nlohmann::json;

TEST(JsonSettings, Table) {
  std::istringstream table(*read_file(INVOKEAI_TEST_DATA "/base/tables/json_settings.txt"));
  int cases = 0;
  for (std::string line; std::getline(table, line);) {
    const auto arrow = line.find(" => ");
    if (line.starts_with('#') || arrow == std::string::npos) continue;
    ++cases;
    const std::string expected = line.substr(arrow + 4);
    const auto values = settings_from_json(Json::parse(line.substr(0, arrow)));
    if (expected.starts_with("! ")) {
      ASSERT_FALSE(values) << line;
      EXPECT_EQ(values.error().message, expected.substr(2)) << line;
    } else {
      ASSERT_TRUE(values) << line << "\n" << values.error().text();
      EXPECT_EQ(settings_to_json(*values), Json::parse(expected)) << line;
    }
  }
  EXPECT_GE(cases, 25);
}

TEST(JsonSettings, WhatThisVersionCannotServeIsUnsupported) {
  for (const Setting& setting : all_settings()) {
    if (setting.prompt != Use::refused || setting.type != SettingType::flag) continue;
    const auto values = settings_from_json({{std::string(setting.name), true}});
    ASSERT_FALSE(values) << setting.name;
    EXPECT_EQ(values.error().code, ErrorCode::unsupported);
    EXPECT_TRUE(settings_from_json({{std::string(setting.name), false}})) << "nothing asked for";
  }
}

TEST(JsonSettings, TypesSurviveTheRoundTrip) {
  SettingValues values;
  values.set("steps", std::int64_t{30});
  values.set("seed", std::int64_t{4294967295});
  values.set("cfg_scale", 7.0);
  values.set("sampler_name", std::string("ddim"));
  values.set("karras", true);
  const auto back = settings_from_json(Json::parse(settings_to_json(values).dump()));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->given(), values.given());
}

}  // namespace
}  // namespace invokeai
