#include "server/views.h"

#include <algorithm>

#include "base/command_line.h"
#include "base/json_settings.h"
#include "image/png.h"
#include "image/read_metadata.h"
#include "server/canvas_order.h"
#include "server/url.h"

namespace invokeai::server {

using Json = nlohmann::json;

namespace {

std::string url_of(const std::string& name, const char* what) {
  return fmt::format("/api/v1/images/{}/{}", encode_percent(name), what);
}

Json time_of(const std::optional<jobs::UnixTime>& time) {
  return time ? Json(time->count()) : Json();
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

/// Settings as a client may see them: pictures by their names, no folders.
Json open_values(Studio& studio, const SettingValues& values) {
  Json open = Json::object();
  const Json all = settings_to_json(values);
  for (const auto& [name, value] : all.items())
    if (is_open_setting(setting(name)) && name != "negative_prompt") open[name] = value;
  for (const char* picture : {"init_img", "init_mask"})
    if (open.contains(picture)) {
      const std::string name = studio.name_of(values.text(picture));
      if (name.empty() || name.starts_with('.'))
        open.erase(picture);
      else
        open[picture] = name;
    }
  return open;
}

}  // namespace

bool is_open_setting(const Setting& setting) {
  // These name folders and files of the server, or shape names of files.
  constexpr std::string_view kKeptBack[] = {"outdir",        "fnformat",    "prompt_as_dir",
                                            "wildcard_path", "init_color",  "help",
                                            "prompt",        "log_tokenization"};
  if (std::ranges::find(kKeptBack, setting.name) != std::end(kKeptBack)) return false;
  return setting.prompt == Use::works || setting.name == "model";
}

Json view(Studio& studio, const jobs::PictureResult& result) {
  const std::string name = studio.name_of(result.path);
  return {{"index", result.index},
          {"name", name},
          {"url", url_of(name, "file")},
          {"thumbnail_url", url_of(name, "thumbnail")},
          {"seed", result.seed},
          {"seconds", result.seconds},
          {"width", result.width},
          {"height", result.height},
          {"command", result.command}};
}

Result<Json> view(Studio& studio, const jobs::JobRecord& job) {
  TRY_ASSIGN(const auto results, studio.reading().results(job.id));
  Json list = Json::array();
  for (const jobs::PictureResult& result : results) list.push_back(view(studio, result));
  Json position;
  if (job.state == jobs::JobState::queued) {
    TRY_ASSIGN(position, studio.reading().jobs_before(job.id));
  }
  Json error;
  if (job.error) error = {{"code", error_code_name(job.error->code)}, {"message", job.error->message}};
  // A request of an earlier version that cannot be read any more is shown as empty.
  const auto request = jobs::request_from_json(job.request);
  Json json{
      {"id", job.id},
      {"state", jobs::job_state_name(job.state)},
      {"prompt", request ? request->prompt : std::string()},
      {"negative_prompt", request ? request->values.text("negative_prompt") : std::string()},
      {"values", request ? open_values(studio, request->values) : Json::object()},
      {"priority", job.priority},
      {"pictures", job.pictures},
      {"done", job.done},
      {"cancel_requested", job.cancel_requested},
      {"error", error},
      {"submitted", job.submitted.count()},
      {"started", time_of(job.started)},
      {"finished", time_of(job.finished)},
      {"results", list},
      {"position", position},
      {"revision", job.revision}};
  if (request && request->canvas) json["canvas"] = view(*request->canvas);
  return json;
}

Result<Json> queue_view(Studio& studio) {
  TRY_ASSIGN(const bool paused, studio.reading().paused());
  TRY_ASSIGN(const std::int64_t waiting, studio.reading().count(jobs::JobState::queued));
  TRY_ASSIGN(const auto running,
             studio.reading().list({.state = jobs::JobState::running, .limit = 1}));
  return Json{{"paused", paused},
              {"waiting", waiting},
              {"running", running.empty() ? Json() : Json(running.front().id)}};
}

Json view(const gallery::PictureEntry& picture) {
  return {{"name", picture.path},
          {"url", url_of(picture.path, "file")},
          {"thumbnail_url", url_of(picture.path, "thumbnail")},
          {"kind", picture_kind_name(picture.kind)},
          {"created", static_cast<double>(picture.created) / 1000},
          {"width", picture.width},
          {"height", picture.height},
          {"model", picture.model},
          {"sampler", picture.sampler},
          {"prompt", picture.prompt},
          {"seed", or_null(picture.seed)},
          {"steps", or_null(picture.steps)},
          {"starred", picture.starred},
          {"board", text_or_null(picture.board)}};
}

namespace {

/// The command of a picture as prompt and settings.
Json recall(Studio& studio, const std::string& command) {
  const auto parsed = parse_prompt_line(command);
  if (!parsed) return {};
  SettingValues values = parsed->values;
  // Pictures to start from are named as they were then.
  for (const char* picture : {"init_img", "init_mask"})
    if (values.has(picture)) {
      const fs::path file = studio.options().output / values.text(picture);
      values.set(picture, file.string());
    }
  return {{"prompt", parsed->prompt},
          {"negative_prompt", values.text("negative_prompt")},
          {"values", open_values(studio, values)}};
}

}  // namespace

Result<Json> details_view(Studio& studio, const std::string& name) {
  TRY_ASSIGN(const fs::path file, studio.picture_file(name));
  TRY_ASSIGN(const gallery::PictureEntry entry, studio.gallery().picture(name));
  Json json = view(entry);
  json.update({{"metadata", nullptr}, {"dream", ""}, {"recall", nullptr}, {"source", ""},
               {"notes", Json::array()}});
  TRY_ASSIGN(const std::string bytes, read_file(file, std::size_t{512} << 20));
  if (const auto texts = image::read_png_text(bytes))
    for (const image::TextChunk& text : *texts)
      if (text.keyword == image::kMetadataKeyword) {
        Json metadata = Json::parse(text.text, nullptr, /*allow_exceptions=*/false);
        if (metadata.is_object()) json["metadata"] = std::move(metadata);
      }
  const auto found = image::read_metadata(bytes);
  if (!found) {
    if (found.error().code != ErrorCode::not_found) json["notes"].push_back(found.error().message);
    return json;
  }
  const image::FoundMetadata& first = found->front();
  if (json["metadata"].is_null())
    json["metadata"] = Json::parse(
        image::sd_metadata_json(first.picture, first.app.value_or(image::AppMetadata())), nullptr,
        /*allow_exceptions=*/false);
  json["dream"] = image::recall_command(first);
  json["recall"] = recall(studio, image::recall_command(first));
  json["source"] = first.software;
  json["notes"] = first.lost;
  return json;
}

namespace {

/// What the model's folder recommends and the switches of this start leave open. A file that cannot
/// be understood recommends nothing here; it is told of where the model is loaded, which fails.
Json recommended_view(Studio& studio, const fs::path& model) {
  const auto values = pipeline::read_recommended(model);
  if (!values) return {};
  Json json = settings_to_json(*values);
  for (const auto& [name, given] : studio.options().defaults.given()) json.erase(std::string(name));
  return json;
}

}  // namespace

Json view(Studio& studio, const ModelEntry& model) {
  const EngineStatus engine = studio.engine();
  const bool active = model.name == studio.active_model();
  const bool loaded = engine.model && fs::path(engine.model->path) == model.path;
  Json json{{"name", model.name},
          {"kind", loaded ? engine.model->kind : std::string()},
          {"description", model.description},
          {"path", model.path.empty() ? model.repo_id : model.path.string()},
          {"format", model.format},
          {"active", active},
          {"state", !loaded ? "not_loaded" : active ? "active" : "cached"},
          {"default", model.is_default},
          {"native_width", loaded ? engine.model->native_width : model.width},
          {"native_height", loaded ? engine.model->native_height : model.height}};
  if (Json recommended = recommended_view(studio, model.path); !recommended.empty())
    json["recommended"] = std::move(recommended);
  return json;
}

Json model_view(Studio& studio) {
  const auto entry = studio.models().find(studio.active_model());
  return entry ? view(studio, *entry) : Json();
}

Json engine_view(Studio& studio) {
  constexpr const char* kStates[] = {"starting", "loading", "ready", "failed"};
  const EngineStatus engine = studio.engine();
  return {{"state", kStates[static_cast<int>(engine.state)]},
          {"device", engine.model ? engine.model->device : std::string()},
          {"precision", engine.model ? engine.model->precision : std::string()},
          {"reason", engine.model ? engine.model->device_reason : std::string()},
          {"message", engine.message}};
}

}  // namespace invokeai::server
