#include <algorithm>
#include <charconv>
#include <mutex>
#include <vector>

#include "server/api.h"
#include "server/internal/handlers.h"
#include "server/views.h"

namespace invokeai::server {
namespace {

constexpr int kMostMissed = 1000;

/// One client's stream. What happens while its beginning is put together waits until that is sent.
class Stream {
 public:
  Stream(std::shared_ptr<EventSink> sink, std::string job)
      : sink_(std::move(sink)), job_(std::move(job)) {}

  void hear(const Event& event) {
    if (!job_.empty() && event.job != job_) return;
    const std::lock_guard lock(mutex_);
    if (begun_)
      send_new(event);
    else
      early_.push_back(event);
  }

  void begin(const std::vector<Event>& first) {
    const std::lock_guard lock(mutex_);
    for (const Event& event : first) send(event);
    for (const Event& event : first) told_ = std::max(told_, event.revision);
    begun_ = true;
    for (const Event& event : early_) send_new(event);
    early_.clear();
  }

  void close() { sink_->close(); }

 private:
  /// An event may be on its way while the beginning is read; what that told already would look like
  /// news of an earlier state.
  void send_new(const Event& event) {
    if (event.revision < 0 || event.revision > told_) send(event);
  }

  void send(const Event& event) {
    sink_->send(event.name, json_text(event.data),
                event.revision >= 0 ? std::to_string(event.revision) : std::string());
    const std::string state = job_.empty() ? "" : event.data.value("state", "");
    const bool ended = state == "completed" || state == "failed" || state == "cancelled";
    if (ended || (!job_.empty() && event.name == "job_removed")) sink_->close();
  }

  const std::shared_ptr<EventSink> sink_;
  const std::string job_;  ///< empty: everything
  std::mutex mutex_;       ///< guards the rest
  bool begun_ = false;
  std::int64_t told_ = -1;  ///< revision of the queue that the beginning shows
  std::vector<Event> early_;
};

/// What the transport keeps while the stream is open: the subscription goes first.
struct Kept {
  std::shared_ptr<Stream> stream;
  std::shared_ptr<void> subscription;
};

Event job_event(Studio& studio, const jobs::JobRecord& job) {
  const auto json = view(studio, job);
  return {"job", job.id, job.revision, json ? *json : Json::object()};
}

/// hello, and after a break in the connection what was missed.
std::vector<Event> beginning(Studio& studio, const std::string& last_id) {
  std::vector<Event> events;
  std::int64_t since = -1;
  std::from_chars(last_id.data(), last_id.data() + last_id.size(), since);
  const auto changes = studio.reading().changes_since(since < 0 ? 0 : since, since < 0 ? 1 : kMostMissed);
  const std::int64_t revision = changes ? changes->revision : 0;
  const auto queue = queue_view(studio);
  events.push_back({"hello",
                    {},
                    revision,
                    {{"revision", revision},
                     {"queue", queue ? *queue : Json()},
                     {"engine", engine_view(studio)},
                     {"model", model_view(studio)}}});
  if (since < 0 || !changes) return events;
  for (const std::string& id : changes->removed)
    events.push_back({"job_removed", id, -1, {{"id", id}}});
  std::vector<jobs::JobRecord> missed = changes->jobs;
  if (!changes->complete)
    if (auto newest = studio.reading().list({})) missed = std::move(*newest);
  for (const jobs::JobRecord& job : missed) {
    events.push_back(job_event(studio, job));
    // Within one beginning the id of the whole is what counts.
    events.back().revision = -1;
  }
  return events;
}

OpenStream stream_of(Studio& studio, std::string job,
                     std::function<std::vector<Event>()> first) {
  return [&studio, job = std::move(job), first = std::move(first)](std::shared_ptr<EventSink> sink) {
    auto stream = std::make_shared<Stream>(std::move(sink), job);
    auto subscription = studio.subscribe([stream](const Event& event) { stream->hear(event); });
    stream->begin(first());
    return std::static_pointer_cast<void>(std::make_shared<Kept>(Kept{stream, subscription}));
  };
}

}  // namespace

void add_event_routes(Router& router, Studio& studio) {
  router.get("/api/v1/events", [&studio](const Request& request) {
    const std::string last_id = request.header("last-event-id");
    return Response::events(
        stream_of(studio, {}, [&studio, last_id] { return beginning(studio, last_id); }));
  });
  router.get("/api/v1/jobs/{id}/events", handling([&studio](const Request& request) -> Result<Response> {
               const std::string id = request.parameter("id");
               TRY_VOID(studio.reading().job(id));
               return Response::events(stream_of(studio, id, [&studio, id] {
                 const auto job = studio.reading().job(id);
                 return job ? std::vector{job_event(studio, *job)} : std::vector<Event>();
               }));
             }));
}

}  // namespace invokeai::server
