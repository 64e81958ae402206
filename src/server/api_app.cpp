#include <cmath>

#include "base/settings.h"
#include "image/metadata.h"
#include "pipeline/engine.h"
#include "server/access_routes.h"
#include "server/api.h"
#include "server/internal/handlers.h"
#include "server/views.h"

namespace invokeai::server {
namespace {

Response get_app(Studio& studio, const Access& access, const Request& request) {
  return Response::json(
      {{"name", "InvokeAI"},
       {"version", image::AppMetadata().app_version},
       {"user", {{"name", request.caller.name}, {"role", role_name(request.caller.role)}}},
       {"users_required", access.required()},
       {"features",
        {{"upscaling", setting("upscale").prompt == Use::works},
         {"face_restoration", setting("facetool_strength").prompt == Use::works},
         {"text_mask", setting("text_mask").prompt == Use::works}}},
       {"infill_methods", choices_of(setting("infill_method"))},
       {"samplers", pipeline::sampler_names()},
       {"model", model_view(studio)},
       {"engine", engine_view(studio)},
       {"output_folder", studio.options().output.string()}});
}

/// A limit of the table; null where there is none.
Json limit(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json setting_view(const Setting& setting, const SettingValues& defaults) {
  constexpr const char* kTypes[] = {"flag", "integer", "real",  "text",
                                    "path", "words",   "reals", "integers"};
  constexpr const char* kGroups[] = {"general",        "model",      "output",
                                     "rendering",      "img2img",    "outpainting",
                                     "postprocessing", "variations", "server"};
  const auto given = defaults.given().find(setting.name);
  const auto fallback =
      given != defaults.given().end() ? std::optional(given->second) : default_value(setting);
  Json value;
  if (fallback) std::visit([&](const auto& typed) { value = typed; }, *fallback);
  return {{"name", setting.name},
          {"type", kTypes[static_cast<int>(setting.type)]},
          {"group", kGroups[static_cast<int>(setting.group)]},
          {"default", value},
          {"low", limit(setting.low)},
          {"high", limit(setting.high)},
          {"low_open", setting.low_open},
          {"multiple", setting.multiple},
          {"choices", choices_of(setting)},
          {"min_values", setting.min_values},
          {"max_values", setting.max_values},
          {"help", setting.help}};
}

Response get_schema(Studio& studio) {
  Json settings = Json::array();
  for (const Setting& each : all_settings())
    if (is_open_setting(each))
      settings.push_back(setting_view(each, studio.options().defaults));
  return Response::json({{"settings", settings}});
}

}  // namespace

void add_app_routes(Router& router, Studio& studio, const Access& access) {
  router.get("/api/v1/app", [&](const Request& request) { return get_app(studio, access, request); });
  router.get("/api/v1/settings/schema", [&](const Request&) { return get_schema(studio); });
  router.get(
      "/api/v1/openapi.json",
      [](const Request&) {
        return Response{200, {{"Content-Type", "application/json"}}, std::string(openapi_text())};
      },
      Role::none);
}

void add_api(Router& router, Studio& studio, Access& access) {
  add_app_routes(router, studio, access);
  add_settings_routes(router, studio);
  add_job_routes(router, studio);
  add_event_routes(router, studio);
  add_image_routes(router, studio);
  add_board_routes(router, studio);
  add_model_routes(router, studio);
  add_prompt_routes(router, studio);
  add_access_routes(router, access);
}

}  // namespace invokeai::server
