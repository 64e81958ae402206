#include <algorithm>

#include "server/api.h"
#include "server/canvas_pictures.h"
#include "server/internal/handlers.h"
#include "server/job_order.h"
#include "server/views.h"

namespace invokeai::server {
namespace {

constexpr int kMostWaiting = 1000;

std::optional<jobs::JobState> state_from(const std::string& name) {
  using enum jobs::JobState;
  for (const jobs::JobState state : {queued, running, completed, failed, cancelled})
    if (name == jobs::job_state_name(state)) return state;
  return std::nullopt;
}

Result<Response> answer(Studio& studio, const Result<jobs::JobRecord>& job, int status = 200) {
  if (!job) return tl::make_unexpected(job.error());
  TRY_ASSIGN(const Json json, view(studio, *job));
  return Response::json(json, status);
}

/// At most `limit` of them.
Result<Response> list_of(Studio& studio, const std::vector<jobs::JobRecord>& jobs,
                         std::size_t limit) {
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(limit, jobs.size()); ++i) {
    TRY_ASSIGN(Json json, view(studio, jobs[i]));
    list.push_back(std::move(json));
  }
  return Response::json({{"jobs", list}, {"more", jobs.size() > limit}});
}

Result<JobOrder> order_of(Studio& studio, const Request& request) {
  TRY_ASSIGN(const Json body,
             read_object(request, {"prompt", "negative_prompt", "values", "preview_every",
                                   "full_previews", "priority", "canvas"}));
  return order_from(studio, body);
}

Result<Response> post_job(Studio& studio, const Request& request) {
  TRY_ASSIGN(const JobOrder order, order_of(studio, request));
  return answer(studio, studio.submit(order), 202);
}

/// Whether the client takes pictures; one that says nothing does.
bool takes_pictures(const std::string& accept) {
  return accept.empty() || accept.find("image/") != accept.npos ||
         accept.find("*/*") != accept.npos;
}

Result<Response> generate(Studio& studio, const Request& request) {
  const auto place = studio.waiting_place();
  if (place == nullptr) return too_busy();
  TRY_ASSIGN(const JobOrder order, order_of(studio, request));
  TRY_ASSIGN(const jobs::JobRecord submitted, studio.submit(order));
  TRY_ASSIGN(const jobs::JobRecord job, wait_for_end(studio, submitted.id, request.gone));
  if (!takes_pictures(request.header("accept"))) return answer(studio, job);
  if (job.error) return tl::make_unexpected(*job.error);
  TRY_ASSIGN(const auto results, studio.reading().results(job.id));
  if (results.empty())
    return fail(ErrorCode::not_found, "", "the job {} was cancelled before its first picture",
                job.id);
  Response response = Response::file(results.front().path);
  response.headers.emplace_back("Content-Type", "image/png");
  response.headers.emplace_back("X-Job", job.id);
  return response;
}

Result<Response> get_jobs(Studio& studio, const Request& request) {
  jobs::JobFilter filter{.older_than = request.query_value("older_than")};
  if (const std::string name = request.query_value("state"); !name.empty()) {
    filter.state = state_from(name);
    if (!filter.state)
      return fail(ErrorCode::invalid_argument, "",
                  "state: queued, running, completed, failed or cancelled is wanted, got {}",
                  shown(name));
  }
  TRY_ASSIGN(const auto limit, query_whole(request, "limit", 1, 1000));
  const auto wanted = static_cast<std::size_t>(limit.value_or(50));
  filter.limit = static_cast<int>(wanted) + 1;
  TRY_ASSIGN(const auto jobs, studio.reading().list(filter));
  return list_of(studio, jobs, wanted);
}

Result<Response> get_waiting(Studio& studio) {
  TRY_ASSIGN(const auto jobs, studio.reading().waiting(kMostWaiting + 1));
  return list_of(studio, jobs, kMostWaiting);
}

Result<Response> remove_jobs(Studio& studio, const Request& request) {
  TRY_ASSIGN(const auto before,
             query_whole(request, "finished_before", 0, std::int64_t{1} << 52));
  if (!before)
    return fail(ErrorCode::invalid_argument, "",
                "finished_before is missing: Unix milliseconds, as in "
                "DELETE /api/v1/jobs?finished_before=1700000000000");
  TRY_ASSIGN(const int removed, studio.queue().prune(jobs::UnixTime(*before)));
  TRY_VOID(remove_forgotten_canvases(studio.options().output, studio.queue()));
  return Response::json({{"removed", removed}});
}

Result<Response> patch_job(Studio& studio, const Request& request) {
  TRY_ASSIGN(const Json body, read_object(request, {"priority", "place", "other"}));
  const std::string id = request.parameter("id");
  if (body.contains("priority") == (body.contains("place") || body.contains("other")))
    return fail(ErrorCode::invalid_argument, "",
                R"(either {{"priority": n}} or {{"place": "before" or "after", "other": id}} is wanted)");
  if (body.contains("priority")) {
    TRY_ASSIGN(const auto priority, whole_in(body, "priority", -1'000'000, 1'000'000));
    return answer(studio, studio.queue().set_priority(id, static_cast<int>(priority)));
  }
  TRY_ASSIGN(const std::string place, text_in(body, "place"));
  TRY_ASSIGN(const std::string other, text_in(body, "other"));
  if (place != "before" && place != "after")
    return fail(ErrorCode::invalid_argument, "", "place: before or after is wanted, got {}",
                shown(place));
  return answer(studio,
                studio.queue().move(
                    id, place == "before" ? jobs::Place::before : jobs::Place::after, other));
}

Result<Response> get_queue(Studio& studio) {
  TRY_ASSIGN(const Json queue, queue_view(studio));
  return Response::json(queue);
}

Result<Response> patch_queue(Studio& studio, const Request& request) {
  TRY_ASSIGN(const Json body, read_object(request, {"paused"}));
  TRY_ASSIGN(const auto paused, flag_in(body, "paused"));
  if (!paused)
    return fail(ErrorCode::invalid_argument, "", R"({{"paused": true or false}} is wanted)");
  TRY_VOID(studio.queue().set_paused(*paused));
  return get_queue(studio);
}

}  // namespace

void add_job_routes(Router& router, Studio& studio) {
  const auto with_id = [&studio](Result<jobs::JobRecord> (jobs::JobQueue::*call)(
                                     const std::string&)) {
    return handling([&studio, call](const Request& request) {
      return answer(studio, (studio.queue().*call)(request.parameter("id")));
    });
  };
  router.post("/api/v1/generate",
              handling([&](const Request& request) { return generate(studio, request); }));
  router.post("/api/v1/jobs",
              handling([&](const Request& request) { return post_job(studio, request); }));
  router.get("/api/v1/jobs",
             handling([&](const Request& request) { return get_jobs(studio, request); }));
  router.remove("/api/v1/jobs",
                handling([&](const Request& request) { return remove_jobs(studio, request); }));
  router.get("/api/v1/jobs/waiting", handling([&](const Request&) { return get_waiting(studio); }));
  router.get("/api/v1/jobs/{id}", handling([&](const Request& request) {
               return answer(studio, studio.reading().job(request.parameter("id")));
             }));
  router.patch("/api/v1/jobs/{id}",
               handling([&](const Request& request) { return patch_job(studio, request); }));
  router.post("/api/v1/jobs/{id}/cancel", with_id(&jobs::JobQueue::cancel));
  router.post("/api/v1/jobs/{id}/retry", with_id(&jobs::JobQueue::retry));
  router.get("/api/v1/queue", handling([&](const Request&) { return get_queue(studio); }));
  router.patch("/api/v1/queue",
               handling([&](const Request& request) { return patch_queue(studio, request); }));
}

}  // namespace invokeai::server
