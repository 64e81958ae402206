#include "server/internal/legacy_models.h"

#include "base/settings.h"
#include "image/metadata.h"
#include "server/internal/handlers.h"
#include "server/views.h"

namespace invokeai::server {
namespace {

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Json entry_view(Studio& studio, const ModelEntry& entry) {
  const Json known = view(studio, entry);
  const std::string state = known["state"];
  Json told = {{"description", entry.description},
               {"format", entry.format},
               {"status", state == "not_loaded" ? "not loaded" : state},
               {"vae", text_or_null(entry.vae)}};
  if (entry.format == "diffusers") {
    told["path"] = text_or_null(entry.path.string());
    told["repo_id"] = text_or_null(entry.repo_id);
  } else {
    told["config"] = text_or_null(entry.config);
    told["weights"] = text_or_null(entry.path.string());
    told["width"] = entry.width;
    told["height"] = entry.height;
  }
  return told;
}

Result<> require(const Json& config, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (!config.contains(key))
      return fail(ErrorCode::invalid_argument, "", "A model of this format needs {}.", key);
  return {};
}

int pixels_of(const Json& config, const char* key) {
  const auto found = config.find(key);
  const int pixels = found != config.end() && found->is_number_integer() ? found->get<int>() : 512;
  return pixels >= 64 && pixels <= 8192 ? pixels : 512;
}

}  // namespace

Result<Json> legacy_model_list(Studio& studio) {
  TRY_ASSIGN(const auto entries, studio.models().entries());
  Json list = Json::object();
  for (const ModelEntry& entry : entries) list[entry.name] = entry_view(studio, entry);
  return list;
}

Json legacy_system_config(Studio& studio) {
  const auto list = legacy_model_list(studio);
  const EngineStatus engine = studio.engine();
  const image::AppMetadata app;
  return {{"model", "stable diffusion"},
          {"model_weights", text_or_null(studio.active_model())},
          {"model_hash", engine.model && !engine.model->hash.empty() ? engine.model->hash : "NOHASH"},
          {"app_id", app.app_id},
          {"app_version", app.app_version},
          {"model_list", list ? *list : Json::object()},
          {"infill_methods", choices_of(setting("infill_method"))}};
}

Result<Json> add_legacy_model(Studio& studio, const Json& config) {
  if (!config.is_object())
    return fail(ErrorCode::invalid_argument, "", "addNewModel needs an object.");
  TRY_VOID(require(config, {"name", "format"}));
  ModelEntry entry{.name = text_of(config, "name"),
                   .description = text_of(config, "description"),
                   .format = text_of(config, "format"),
                   .repo_id = text_of(config, "repo_id"),
                   .config = text_of(config, "config"),
                   .vae = text_of(config, "vae"),
                   .width = pixels_of(config, "width"),
                   .height = pixels_of(config, "height"),
                   .is_default = config.value("default", Json()) == true};
  if (entry.format == "diffusers") {
    TRY_VOID(require(config, {"description"}));
    entry.path = text_of(config, "path");
    if (entry.path.empty() && entry.repo_id.empty())
      return fail(ErrorCode::invalid_argument, "", "A diffusers model needs path or repo_id.");
  } else if (entry.format == "ckpt") {
    TRY_VOID(require(config, {"description", "weights", "height", "width", "config"}));
    entry.path = text_of(config, "weights");
  } else {
    return fail(ErrorCode::invalid_argument, "", "The format is ckpt or diffusers, not {}",
                shown(entry.format));
  }
  TRY_ASSIGN(const bool known, studio.models().put(entry));
  TRY_ASSIGN(Json list, legacy_model_list(studio));
  return Json{{"new_model_name", entry.name}, {"model_list", std::move(list)}, {"update", known}};
}

Result<Json> delete_legacy_model(Studio& studio, const Json& name) {
  const std::string text = name.is_string() ? name.get<std::string>() : "";
  TRY_VOID(studio.models().remove(text));
  TRY_ASSIGN(Json list, legacy_model_list(studio));
  return Json{{"deleted_model_name", text}, {"model_list", std::move(list)}};
}

Json find_legacy_models(const Json& folder) {
  const std::string text = folder.is_string() ? folder.get<std::string>() : "";
  if (text.empty()) return {{"search_folder", nullptr}, {"found_models", nullptr}};
  Json found = Json::array();
  if (text.find('\0') == text.npos)
    for (const FoundModel& model : ModelList::search(text))
      found.push_back({{"name", model.name}, {"location", model.path.generic_string()}});
  return {{"search_folder", text}, {"found_models", found}};
}

}  // namespace invokeai::server
