#include "server/job_order.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/json_settings.h"
#include "server/canvas_order.h"
#include "server/internal/handlers.h"
#include "server/views.h"

namespace invokeai::server {

Result<JobOrder> order_from(Studio& studio, const Json& body) {
  JobOrder order;
  TRY_ASSIGN(order.prompt, text_in(body, "prompt"));
  TRY_ASSIGN(const std::string negative, text_in(body, "negative_prompt", ""));
  TRY_ASSIGN(order.values, settings_from_json(body.value("values", Json::object())));
  for (const auto& [name, value] : order.values.given())
    if (!is_open_setting(setting(name)))
      return fail(ErrorCode::invalid_argument, "", "{} is no setting of a job here", name);
  if (!negative.empty()) order.values.set("negative_prompt", negative);
  TRY_ASSIGN(const auto every, whole_in(body, "preview_every", 0, 999, 0));
  TRY_ASSIGN(const auto priority, whole_in(body, "priority", -1'000'000, 1'000'000, 0));
  TRY_ASSIGN(const auto full_previews, flag_in(body, "full_previews"));
  order.preview_every = static_cast<int>(every);
  order.full_previews = full_previews.value_or(false);
  order.priority = static_cast<int>(priority);
  if (const auto canvas = body.find("canvas"); canvas != body.end() && !canvas->is_null())
    TRY_VOID(fill_in_canvas(studio, *canvas, order));
  return order;
}

Result<jobs::JobRecord> wait_for_end(Studio& studio, const std::string& id,
                                     const CancelToken& gone) {
  struct Signal {
    std::mutex mutex;
    std::condition_variable changed;
    bool set = false;
  };
  const auto signal = std::make_shared<Signal>();
  const auto subscription = studio.subscribe([signal, id](const Event& event) {
    if (event.name != "job" || event.job != id) return;
    const std::lock_guard lock(signal->mutex);
    signal->set = true;
    signal->changed.notify_all();
  });
  bool cancelled = false;
  while (true) {
    TRY_ASSIGN(jobs::JobRecord job, studio.reading().job(id));
    const bool ended =
        job.state != jobs::JobState::queued && job.state != jobs::JobState::running;
    if (ended) return job;
    if (studio.stopping())
      return fail(ErrorCode::internal, "", "the server stops; the job {} goes on when it is back",
                  id);
    if (gone.cancelled() && !cancelled) {
      TRY_VOID(studio.queue().cancel(id));
      cancelled = true;
    }
    std::unique_lock lock(signal->mutex);
    signal->changed.wait_for(lock, std::chrono::milliseconds(100), [&] { return signal->set; });
    signal->set = false;
  }
}

}  // namespace invokeai::server
