#include "jobs/presets.h"

namespace invokeai::jobs {
namespace {

struct Preset {
  std::string_view name;
  std::string_view sampler;
  std::int64_t steps;
  bool karras;
  bool distilled;  ///< guidance is part of the model: one row, at guidance 1
};

// DPM-Solver++ (Lu 2022) and UniPC (Zhao 2023) reach with so many steps what k_lms does with 50; LCM
// (Luo 2023) and turbo models were made for a handful.
constexpr Preset kPresets[] = {{"dpmpp", "dpmpp_2m", 20, true, false},
                               {"unipc", "unipc", 15, false, false},
                               {"lcm", "lcm", 4, false, true},
                               {"turbo", "k_euler_a", 1, false, true}};

}  // namespace

void take_preset(SettingValues& values) {
  const std::string wanted = values.text("preset");
  const auto set = [&](std::string_view name, SettingValue value) {
    if (!values.has(name)) values.set(name, std::move(value));
  };
  for (const Preset& preset : kPresets) {
    if (preset.name != wanted) continue;
    set("sampler_name", std::string(preset.sampler));
    set("steps", preset.steps);
    if (!values.has("karras_max")) set("karras", preset.karras);
    if (preset.distilled) set("cfg_scale", 1.0);
  }
}

}  // namespace invokeai::jobs
