#include "base/json_settings.h"
#include "server/api.h"
#include "server/internal/handlers.h"

namespace invokeai::server {
namespace {

constexpr std::size_t kLargestMemory = std::size_t{256} << 10;
constexpr std::size_t kLongestName = 200;

Result<Response> get_remembered(Studio& studio, const Request& request) {
  TRY_ASSIGN(std::string json, studio.store().remembered(request.caller.name));
  return Response{200, {{"Content-Type", "application/json"}}, std::move(json)};
}

Result<Response> put_remembered(Studio& studio, const Request& request) {
  const Json json = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    return fail(ErrorCode::invalid_argument, "", "the body is to be a JSON object");
  const std::string text = json_text(json);
  if (text.size() > kLargestMemory)
    return fail(ErrorCode::invalid_argument, "", "at most {} bytes are kept, got {}",
                kLargestMemory, text.size());
  TRY_VOID(studio.store().remember(request.caller.name, text));
  return Response{200, {{"Content-Type", "application/json"}}, text};
}

Json view(const Preset& preset) {
  return {{"name", preset.name},
          {"prompt", preset.prompt},
          {"negative_prompt", preset.negative_prompt},
          {"values", Json::parse(preset.values, nullptr, /*allow_exceptions=*/false)}};
}

Result<Response> get_presets(Studio& studio) {
  TRY_ASSIGN(const auto presets, studio.store().presets());
  Json list = Json::array();
  for (const Preset& preset : presets) list.push_back(view(preset));
  return Response::json({{"presets", list}, {"more", false}});
}

Result<Response> put_preset(Studio& studio, const Request& request) {
  TRY_ASSIGN(const Json body, read_object(request, {"prompt", "negative_prompt", "values"}));
  Preset preset{.name = request.parameter("name")};
  if (preset.name.size() > kLongestName)
    return fail(ErrorCode::invalid_argument, "", "the name of a preset has at most {} bytes",
                kLongestName);
  TRY_ASSIGN(preset.prompt, text_in(body, "prompt"));
  TRY_ASSIGN(preset.negative_prompt, text_in(body, "negative_prompt", ""));
  TRY_ASSIGN(const SettingValues values, settings_from_json(body.value("values", Json::object())));
  preset.values = json_text(settings_to_json(values));
  TRY_VOID(studio.store().put_preset(preset));
  return Response::json(view(preset));
}

Result<Response> remove_preset(Studio& studio, const Request& request) {
  TRY_ASSIGN(const bool removed, studio.store().remove_preset(request.parameter("name")));
  if (!removed)
    return fail(ErrorCode::not_found, "", "there is no preset {}",
                shown(request.parameter("name")));
  return Response::empty();
}

}  // namespace

void add_settings_routes(Router& router, Studio& studio) {
  router.get("/api/v1/settings",
             handling([&](const Request& request) { return get_remembered(studio, request); }));
  router.put("/api/v1/settings",
             handling([&](const Request& request) { return put_remembered(studio, request); }));
  router.get("/api/v1/presets", handling([&](const Request&) { return get_presets(studio); }));
  router.put("/api/v1/presets/{name}",
             handling([&](const Request& request) { return put_preset(studio, request); }));
  router.remove("/api/v1/presets/{name}",
                handling([&](const Request& request) { return remove_preset(studio, request); }));
}

}  // namespace invokeai::server
