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

}  // namespace

std::string request_to_json(const JobRequest& request) {
  return Json{{"prompt", request.prompt},
              {"values", settings_to_json(request.values)},
              {"preview_every", request.preview_every}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
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
    } else if (key == "prompt" || key == "preview_every") {
      return bad(fmt::format("{} has another type or range", key));
    } else {
      return bad(fmt::format("nothing is called {}", shown(key)));
    }
  }
  if (!json.contains("prompt")) return bad("the prompt is missing");
  return request;
}

Result<JobRecord> submit_request(JobQueue& queue, JobRequest request, const fs::path& root,
                                 int priority, int max_attempts) {
  if (!request.values.has("seed"))
    request.values.set("seed", std::int64_t{std::random_device()() % 0xffffffffu});
  TRY_ASSIGN(const Job job, make_job(request.prompt, request.values, root));
  TRY_VOID(check_output_folder(job.output.folder));
  return queue.submit({.request = request_to_json(request),
                       .pictures = job.output.grid ? 1 : job.request.iterations,
                       .priority = priority,
                       .max_attempts = max_attempts});
}

}  // namespace invokeai::jobs
