#include "server/api.h"
#include "server/internal/handlers.h"
#include "server/views.h"

namespace invokeai::server {
namespace {

Response ready(Studio& studio) {
  const Json engine = engine_view(studio);
  const bool is_ready = !studio.stopping() && engine["state"] == "ready";
  return Response::json({{"ready", is_ready}, {"engine", engine}}, is_ready ? 200 : 503);
}

Response metrics(Studio& studio) {
  std::string text = studio.metrics().text();
  const auto gauge = [&](const char* name, const char* help, std::int64_t value) {
    text += fmt::format("# HELP invokeai_{0} {1}\n# TYPE invokeai_{0} gauge\ninvokeai_{0} {2}\n",
                        name, help, value);
  };
  if (const auto waiting = studio.reading().count(jobs::JobState::queued))
    gauge("jobs_waiting", "Jobs that wait.", *waiting);
  if (const auto running = studio.reading().count(jobs::JobState::running))
    gauge("jobs_running", "Jobs that are drawn.", *running);
  gauge("engine_ready", "1 when a model is loaded.", studio.engine().state == EngineState::ready);
  return Response{200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, text};
}

}  // namespace

void add_operation_routes(Router& router, Studio& studio) {
  router.get("/healthz", [](const Request&) { return Response::text("ok\n"); }, Role::none);
  router.get("/readyz", [&](const Request&) { return ready(studio); }, Role::none);
  router.get("/metrics", [&](const Request&) { return metrics(studio); }, Role::none);
}

}  // namespace invokeai::server
