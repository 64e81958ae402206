#pragma once
// What a model says about being drawn with. No libtorch here.

#include "base/file.h"
#include "base/result.h"
#include "base/settings.h"

namespace invokeai::pipeline {

/// The file in a model's folder: {"cfg_scale": 2.0, "steps": 20, "sampler_name": "k_euler"}, each
/// optional. Other keys are left for others to read.
inline constexpr const char* kRecommendedFile = "invokeai.json";

/// Its values; none for a model in a single file or without such a file.
/// Errors: bad_file for what is no JSON object, or holds a value the settings table does not allow.
Result<SettingValues> read_recommended(const fs::path& model);

}  // namespace invokeai::pipeline
