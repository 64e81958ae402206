#include "jobs/worker_host.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "jobs/internal/child.h"
#include "jobs/internal/notes.h"

namespace invokeai::jobs {

using Clock = std::chrono::steady_clock;
using Kind = WorkerEvent::Kind;

/// The host's thread: one loop that starts the process, takes a job, passes messages on, and keeps
/// lease and process alive. Nothing here is shared except the atomics and the pipe that wakes it.
class WorkerHost::Thread {
 public:
  Thread(JobQueue& queue, WorkerHostOptions options, Callback callback)
      : queue_(queue), options_(std::move(options)), callback_(std::move(callback)) {
    INVOKEAI_CHECK_EQ(::pipe2(wake_, O_CLOEXEC | O_NONBLOCK), 0);
    restart_ = options_.first_restart;
    engine_ = options_.engine;
    load_ = options_.load_at_once;
    subscription_ = queue_.subscribe([this] { wake(); });
    thread_ = std::thread([this] { run(); });
  }

  ~Thread() {
    subscription_.reset();
    stop(std::chrono::milliseconds(0));
    ::close(wake_[0]);
    ::close(wake_[1]);
  }

  void load(pipeline::EngineOptions engine) {
    {
      const std::lock_guard lock(engine_mutex_);
      engine_ = std::move(engine);
      load_ = true;
    }
    wake();
  }

  void stop(std::chrono::milliseconds patience) {
    if (!thread_.joinable()) return;
    deadline_ = (Clock::now() + patience).time_since_epoch().count();
    stopping_ = true;
    wake();
    thread_.join();
  }

 private:
  /// The job at hand.
  struct Work {
    Lease lease;
    Clock::time_point beat;  ///< when the lease was prolonged
    bool cancel_sent = false;
    std::vector<PictureResult> stored{};  ///< not yet recorded
    std::optional<Json> done{};           ///< the worker's last word
  };

  void wake() const { [[maybe_unused]] const ssize_t put = ::write(wake_[1], "w", 1); }

  void run() {
    while (!(stopping_ && (!work_ || past_deadline()))) {
      keep_child();
      if (child_ && ready_ && !work_ && !stopping_) load_model();
      if (child_ && ready_ && !work_ && !stopping_) take_job();
      if (work_) keep_lease();
      wait();
      if (child_) hear();
      if (work_) settle();
    }
    if (child_) end_child("the server stops", Release::returned);
  }

  bool past_deadline() const { return Clock::now().time_since_epoch().count() >= deadline_; }

  void tell(WorkerEvent event) const {
    if (callback_) callback_(event);
  }

  /// Passes a failure of the queue on, and does nothing more for a moment.
  void trouble(const Error& error) {
    tell({.kind = Kind::trouble, .text = error.text()});
    quiet_until_ = Clock::now() + std::chrono::milliseconds(500);
  }

  // ---- the process

  void keep_child() {
    const auto now = Clock::now();
    if (!child_ && now >= start_at_ && !stopping_) {
      auto child = Child::start(options_.command);
      if (!child) {
        tell({.kind = Kind::worker_ended, .text = child.error().text()});
        delay_start();
        return;
      }
      child_.emplace(std::move(*child));
      ready_ = false;
      heard_ = pinged_ = now;
      tell({.kind = Kind::worker_started, .pid = child_->pid()});
      const std::lock_guard lock(engine_mutex_);
      load_ = load_ || options_.load_at_once;
    }
    if (!child_) return;
    if (now - heard_ > options_.ping_limit) {
      end_child(fmt::format("no sign of life for {} ms", options_.ping_limit.count()),
                Release::crashed);
    } else if (now - pinged_ >= options_.ping_every) {
      child_->send({{{"type", "ping"}}});
      pinged_ = now;
    }
  }

  void delay_start() {
    start_at_ = Clock::now() + restart_;
    restart_ = std::min(restart_ * 2, options_.last_restart);
  }

  /// The process is gone or will be; what it stored is recorded before its job may go elsewhere.
  void end_child(const std::string& why, Release reason) {
    const int pid = child_->pid();
    const std::string status = child_->end();
    child_.reset();
    if (work_) clear_away();
    if (work_ && !stopping_) settle();
    tell({.kind = Kind::worker_ended,
          .pid = pid,
          .text = why.empty() ? status : fmt::format("{} ({})", why, status)});
    delay_start();
    if (work_) let_go(reason);
  }

  /// The picture that the process ended over. (What ends together with its server is left to the
  /// next run_job() and settle_notes().)
  void clear_away() const {
    const auto request = request_from_json(work_->lease.job.request);
    if (!request) return;
    if (const auto job = make_job(*request, options_.root))
      remove_unfinished_files(job->output.folder);
  }

  void let_go(Release reason) {
    record_all();
    note_results(settle_notes(options_.notes, queue_, work_->lease));
    // When the queue fails here the lease returns the job: its owner, the process, has ended.
    if (auto released = queue_.release(work_->lease, reason); !released) trouble(released.error());
    tell({.kind = Kind::job_ended, .job = work_->lease.job.id});
    work_.reset();
  }

  /// Sends on what load() asked for.
  void load_model() {
    const std::lock_guard lock(engine_mutex_);
    if (!load_) return;
    load_ = false;
    child_->send({{{"type", "load"}, {"options", to_json(engine_)}}});
    child_->exchange();
  }

  // ---- the job

  void take_job() {
    if (Clock::now() < quiet_until_) return;
    auto lease = queue_.take(child_->identity(), options_.lease);
    if (!lease) return trouble(lease.error());
    if (!*lease) return;
    work_.emplace(Work{.lease = std::move(**lease), .beat = Clock::now()});
    note_results(settle_notes(options_.notes, queue_, work_->lease));
    const JobRecord& job = work_->lease.job;
    tell({.kind = Kind::job_started, .job = job.id});
    const auto engine = engine_for(job);
    if (!engine) {
      work_->done = Json{{"error", to_json(engine.error())}};
      return;
    }
    if (work_->lease.first_missing >= job.pictures) {  // died between the last picture and the end
      work_->done = Json{{"outcome", "completed"}};
      return;
    }
    child_->send({{{"type", "run"},
                   {"id", job.id},
                   {"request", job.request},
                   {"root", options_.root.string()},
                   {"notes", options_.notes.string()},
                   {"first_picture", work_->lease.first_missing},
                   {"options", to_json(*engine)}}});
    child_->exchange();
  }

  Result<pipeline::EngineOptions> engine_for(const JobRecord& job) const {
    if (!options_.choose_engine) {
      const std::lock_guard lock(engine_mutex_);
      return engine_;
    }
    TRY_ASSIGN(const JobRequest request, request_from_json(job.request));
    return options_.choose_engine(request);
  }

  /// Pictures found by their notes.
  void note_results(const Result<std::vector<PictureResult>>& found) {
    if (!found) return trouble(found.error());
    for (const PictureResult& picture : *found) announce(picture);
  }

  void announce(const PictureResult& picture) {
    Lease& lease = work_->lease;
    lease.first_missing = std::max(lease.first_missing, picture.index + 1);
    tell({.kind = Kind::picture, .job = lease.job.id, .picture = picture});
  }

  void keep_lease() {
    const auto now = Clock::now();
    const bool due = now - work_->beat >= options_.lease / 3;
    if (!due && !changed_) return;
    changed_ = false;
    const auto state = queue_.heartbeat(work_->lease, options_.lease);
    if (!state) return trouble(state.error());
    work_->beat = now;
    if (*state == LeaseState::held || work_->cancel_sent || !child_) return;
    child_->send({{{"type", "cancel"}, {"id", work_->lease.job.id}}});
    child_->exchange();
    work_->cancel_sent = true;
  }

  // ---- messages

  void wait() {
    using std::chrono::milliseconds;
    milliseconds limit = std::min(options_.look, options_.ping_every);
    const auto until = [&](Clock::time_point time) {
      limit = std::min(
          limit, std::chrono::duration_cast<milliseconds>(time - Clock::now()) + milliseconds(1));
    };
    if (!child_) until(start_at_);
    if (work_) until(work_->beat + options_.lease / 3);
    if (work_ && work_->done) until(std::max(quiet_until_, Clock::now()));
    if (stopping_) until(Clock::time_point(Clock::duration(deadline_)));
    pollfd watched[2] = {{wake_[0], POLLIN, 0}, {-1, POLLIN, 0}};
    if (child_) {
      watched[1].fd = child_->socket();
      if (child_->has_output()) watched[1].events |= POLLOUT;
    }
    ::poll(watched, 2, static_cast<int>(std::max<std::int64_t>(0, limit.count())));
    char bytes[64];
    while (::read(wake_[0], bytes, sizeof bytes) > 0) changed_ = true;
  }

  void hear() {
    const bool alive = child_->exchange();
    while (true) {
      auto frame = child_->next();
      if (!frame) return end_child(frame.error().message, Release::crashed);
      if (!*frame) break;
      heard_ = Clock::now();
      understand(**frame);
    }
    if (!alive) end_child("", Release::crashed);
  }

  void understand(Frame& frame) {
    const Json& message = frame.message;
    const std::string type = message.value("type", "");
    if (type == "ready") {
      ready_ = true;
    } else if (type == "loaded") {
      tell({.kind = Kind::model_loaded, .model = model_from(message.value("model", Json()))});
    } else if (type == "load_failed") {
      tell({.kind = Kind::model_failed, .text = error_from(message.value("error", Json())).text()});
    } else if (work_ && message.value("id", "") == work_->lease.job.id) {
      understand_work(type, frame);
    }
  }

  void understand_work(const std::string& type, Frame& frame) {
    const std::string& id = work_->lease.job.id;
    if (type == "progress") {
      restart_ = options_.first_restart;  // it lives; over a bad job the attempts watch
      tell({.kind = Kind::progress,
            .job = id,
            .progress = progress_from(frame.message),
            .preview_png = std::move(frame.bytes)});
    } else if (type == "message") {
      tell({.kind = Kind::message, .job = id, .text = frame.message.value("text", "")});
    } else if (type == "picture") {
      work_->stored.push_back(picture_from(frame.message));
      record_all();
    } else if (type == "done") {
      work_->done = std::move(frame.message);
    }
  }

  /// Records what is stored, in order; what the queue cannot take now is kept.
  void record_all() {
    auto& stored = work_->stored;
    while (!stored.empty()) {
      const PictureResult& picture = stored.front();
      const auto recording = queue_.record(work_->lease, picture);
      if (!recording) return trouble(recording.error());
      if (*recording == Recording::recorded) announce(picture);
      // A picture of a lost lease keeps its note: who has the job now settles it.
      if (*recording != Recording::lease_lost)
        remove_note(options_.notes, work_->lease.job.id, picture.index);
      stored.erase(stored.begin());
    }
  }

  /// Ends the job once everything is recorded.
  void settle() {
    if (Clock::now() < quiet_until_) return;
    record_all();
    if (!work_->done || !work_->stored.empty()) return;
    const Json& done = *work_->done;
    std::optional<Error> error;
    if (done.contains("error")) error = error_from(done["error"]);
    const JobState state = error                                      ? JobState::failed
                           : done.value("outcome", "") == "cancelled" ? JobState::cancelled
                                                                      : JobState::completed;
    if (auto finished = queue_.finish(work_->lease, state, error); !finished)
      return trouble(finished.error());
    tell({.kind = Kind::job_ended, .job = work_->lease.job.id});
    work_.reset();
  }

  JobQueue& queue_;
  const WorkerHostOptions options_;
  const Callback callback_;
  int wake_[2] = {-1, -1};
  std::shared_ptr<void> subscription_;
  std::atomic<bool> stopping_ = false;
  std::atomic<Clock::rep> deadline_ = 0;
  mutable std::mutex engine_mutex_;  ///< guards the next two
  pipeline::EngineOptions engine_;   ///< for requests that name no model
  bool load_ = false;                ///< it is to be loaded without any job

  // Of the thread:
  std::optional<Child> child_;
  bool ready_ = false;                   ///< the process has said its first word
  Clock::time_point heard_, pinged_;     ///< last sign of life, last question for one
  Clock::time_point start_at_{};         ///< not before
  std::chrono::milliseconds restart_{};  ///< how long to wait after the next crash
  Clock::time_point quiet_until_{};      ///< the queue failed a moment ago
  bool changed_ = true;                  ///< the queue changed: perhaps a cancel
  std::optional<Work> work_;
  std::thread thread_;
};

WorkerHost::WorkerHost(JobQueue& queue, WorkerHostOptions options, Callback callback)
    : thread_(std::make_unique<Thread>(queue, std::move(options), std::move(callback))) {}

WorkerHost::~WorkerHost() = default;

void WorkerHost::load(pipeline::EngineOptions engine) { thread_->load(std::move(engine)); }

void WorkerHost::stop(std::chrono::milliseconds patience) { thread_->stop(patience); }

}  // namespace invokeai::jobs
