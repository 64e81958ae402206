// Requests are checked against the settings table before any model is loaded.

#include "base/settings.h"
#include "base/utf8.h"
#include "pipeline/engine.h"

namespace invokeai::pipeline {
namespace {

Result<> check(std::string_view name, SettingValue value) {
  return check_value(setting(name), name, value);
}

Result<> check_whole(std::string_view name, std::int64_t value) { return check(name, value); }

Result<> check_text(std::string_view name, const std::string& text) {
  if (auto ok = check_utf8(text); !ok)
    return fail(ErrorCode::invalid_argument, "", "{}: {}", name,
                ok.error().message);
  return {};
}

}  // namespace

Result<> validate(const GenerationRequest& request) {
  TRY_VOID(check_text("prompt", request.prompt));
  TRY_VOID(check_text("negative prompt", request.negative_prompt));
  TRY_VOID(check("prompt_dialect", request.prompt_dialect));
  TRY_VOID(check("long_prompts", request.long_prompts));
  TRY_VOID(check_whole("steps", request.steps));
  TRY_VOID(check("cfg_scale", request.cfg_scale));
  if (request.iterations < 1)
    return fail(ErrorCode::invalid_argument, "", "iterations takes at least 1, not {}",
                request.iterations);
  TRY_VOID(check_whole("iterations", request.iterations));
  TRY_VOID(check_whole("batch_size", request.batch_size));
  if (request.width != 0) TRY_VOID(check_whole("width", request.width));
  if (request.height != 0) TRY_VOID(check_whole("height", request.height));
  TRY_VOID(check("sampler_name", request.sampler));
  TRY_VOID(check("eta", request.eta));
  TRY_VOID(check("threshold", request.threshold));
  TRY_VOID(check("h_symmetry_time_pct", request.h_symmetry_time_pct));
  TRY_VOID(check("v_symmetry_time_pct", request.v_symmetry_time_pct));
  return check("perlin", request.perlin);
}

const std::vector<std::string>& sampler_names() {
  static const std::vector<std::string> names = choices_of(setting("sampler_name"));
  return names;
}

}  // namespace invokeai::pipeline
