#include "jobs/request.h"

#include <nlohmann/json.hpp>
#include <random>

#include "base/json_settings.h"

namespace invokeai::jobs {
namespace {

using Json = nlohmann::json;

tl::unexpected<Error> bad(std::string_view what) {
  return fail(ErrorCode::invalid_argument, "", "a request is an object like {}: {}",
              R"({"prompt": "a cat", "values": {"steps": 30}})", what);
}

Json to_json(const pipeline::CanvasBox& canvas) {
  Json json{{"box", {canvas.box.left, canvas.box.top, canvas.box.width, canvas.box.height}}};
  if (canvas.scale.method == image::BoxScaling::manual)
    json["working"] = {canvas.scale.manual.width, canvas.scale.manual.height};
  else if (canvas.scale.method == image::BoxScaling::automatic)
    json["working"] = "automatic";
  return json;
}

/// `count` whole numbers of a size that pictures have.
std::optional<std::vector<int>> pixels_from(const Json& json, std::size_t count) {
  if (!json.is_array() || json.size() != count) return std::nullopt;
  std::vector<int> numbers;
  for (const Json& number : json) {
    if (!number.is_number_integer() || number < -image::kFarthestBox ||
        number > image::kFarthestBox)
      return std::nullopt;
    numbers.push_back(number.get<int>());
  }
  return numbers;
}

Result<pipeline::CanvasBox> canvas_from(const Json& json) {
  pipeline::CanvasBox canvas;
  canvas.scale.method = image::BoxScaling::none;
  const auto box = pixels_from(json.value("box", Json()), 4);
  if (!box) return bad("the canvas needs a box of four whole numbers");
  canvas.box = {(*box)[0], (*box)[1], (*box)[2], (*box)[3]};
  const auto working = json.find("working");
  if (working == json.end()) return canvas;
  canvas.scale = {.method = image::BoxScaling::automatic, .optimum = 0};
  if (*working == "automatic") return canvas;
  canvas.scale.method = image::BoxScaling::manual;
  const auto size = pixels_from(*working, 2);
  if (!size) return bad("the canvas has a working size of two whole numbers");
  canvas.scale.manual = {(*size)[0], (*size)[1]};
  return canvas;
}

Json to_json(const PicturePrompt& picture) {
  return {{"prompt", picture.prompt},
          {"negative_prompt", picture.negative_prompt},
          {"seed", picture.seed}};
}

Result<std::vector<PicturePrompt>> pictures_from(const Json& json) {
  std::vector<PicturePrompt> pictures;
  for (const Json& picture : json) {
    const bool fits = picture.is_object() && picture.contains("prompt") &&
                      picture["prompt"].is_string() && picture.contains("negative_prompt") &&
                      picture["negative_prompt"].is_string() && picture.contains("seed") &&
                      picture["seed"].is_number_unsigned();
    if (!fits) return bad("each of the pictures has prompt, negative_prompt and seed");
    pictures.push_back({picture["prompt"], picture["negative_prompt"], picture["seed"]});
  }
  return pictures;
}

}  // namespace

std::string request_to_json(const JobRequest& request) {
  Json json{{"prompt", request.prompt},
            {"values", settings_to_json(request.values)},
            {"preview_every", request.preview_every}};
  if (request.full_previews) json["full_previews"] = true;
  for (const PicturePrompt& picture : request.pictures)
    json["pictures"].push_back(to_json(picture));
  if (request.canvas) json["canvas"] = to_json(*request.canvas);
  if (!request.tag.empty()) json["tag"] = request.tag;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<JobRequest> request_from_json(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return bad(json.is_discarded() ? "this is no JSON" : "this is no object");
  JobRequest request;
  for (const auto& [key, value] : json.items()) {
    if (key == "prompt" && value.is_string()) {
      request.prompt = value.get<std::string>();
    } else if (key == "values") {
      TRY_ASSIGN(request.values, settings_from_json(value));
    } else if (key == "preview_every" && value.is_number_integer() && value >= 0 && value <= 999) {
      request.preview_every = value.get<int>();
    } else if (key == "full_previews" && value.is_boolean()) {
      request.full_previews = value.get<bool>();
    } else if (key == "pictures" && value.is_array()) {
      TRY_ASSIGN(request.pictures, pictures_from(value));
    } else if (key == "canvas" && value.is_object()) {
      TRY_ASSIGN(request.canvas, canvas_from(value));
    } else if (key == "tag" && value.is_string()) {
      request.tag = value.get<std::string>();
    } else if (key == "prompt" || key == "preview_every" || key == "full_previews" ||
               key == "pictures" || key == "canvas" || key == "tag") {
      return bad(fmt::format("{} has another type or range", key));
    } else {
      return bad(fmt::format("nothing is called {}", shown(key)));
    }
  }
  if (!json.contains("prompt")) return bad("the prompt is missing");
  return request;
}

Result<Job> make_job(const JobRequest& request, const fs::path& root) {
  TRY_ASSIGN(Job job, make_job(request.prompt, request.values, root, request.canvas));
  if (request.preview_every > 0) {
    job.request.preview_every = request.preview_every;
    job.request.full_previews = request.full_previews;
  }
  job.pictures = request.pictures;
  return job;
}

Result<JobRecord> submit_request(JobQueue& queue, JobRequest request, const fs::path& root,
                                 int priority, int max_attempts) {
  if (!request.values.has("seed"))
    request.values.set("seed", std::int64_t{std::random_device()() % 0xffffffffu});
  TRY_ASSIGN(const Job job, make_job(request, root));
  TRY_VOID(check_output_folder(job.output.folder));
  return queue.submit({.request = request_to_json(request),
                       .pictures = job.output.grid ? 1 : job.request.iterations,
                       .priority = priority,
                       .max_attempts = max_attempts});
}

}  // namespace invokeai::jobs
