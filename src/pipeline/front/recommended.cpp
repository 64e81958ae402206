#include "pipeline/recommended.h"

#include <nlohmann/json.hpp>

#include "base/json_settings.h"

namespace invokeai::pipeline {

Result<SettingValues> read_recommended(const fs::path& model) {
  const fs::path file = model / kRecommendedFile;
  std::error_code ignored;
  if (!fs::is_directory(model, ignored) || !fs::exists(file, ignored)) return SettingValues();
  TRY_ASSIGN(const std::string text, read_file(file, 1u << 20));
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return fail(ErrorCode::bad_file, "model.load",
                "{} is no JSON object like {}; mend it or take it away", file.string(),
                R"({"cfg_scale": 2.0})");
  nlohmann::json ours = nlohmann::json::object();
  for (const char* name : {"cfg_scale", "steps", "sampler_name"})
    if (json.contains(name)) ours[name] = json[name];
  auto values = settings_from_json(ours);
  if (!values)
    return fail(ErrorCode::bad_file, "model.load", "{}: {}", file.string(),
                values.error().message);
  return values;
}

}  // namespace invokeai::pipeline
