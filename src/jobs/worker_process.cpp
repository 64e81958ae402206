#include "jobs/worker_process.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>

#include "image/png.h"
#include "jobs/internal/frames.h"
#include "jobs/internal/notes.h"
#include "jobs/loaded_models.h"
#include "jobs/request.h"
#include "jobs/worker.h"

namespace invokeai::jobs {
namespace {

constexpr auto kGrace = std::chrono::seconds(1);

/// Frames to the server, from any thread.
class Speaker {
 public:
  explicit Speaker(int descriptor) : descriptor_(descriptor) {}

  /// False when nobody listens any more.
  bool say(const Frame& frame) {
    const std::string bytes = encode_frame(frame);
    const std::lock_guard lock(mutex_);
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t put =
          ::send(descriptor_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return false;
      done += static_cast<std::size_t>(put);
    }
    return true;
  }

 private:
  std::mutex mutex_;  // one frame at a time
  int descriptor_;
};

/// Loads and draws, on a thread of its own so that pings are answered meanwhile.
class Drawer {
 public:
  Drawer(Speaker& speaker, const LoadEngine& load)
      : speaker_(speaker), models_(load), thread_([this] { work(); }) {}

  void hand_over(Json command) {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
    changed_.notify_all();
  }

  void cancel(const std::string& job) {
    const std::lock_guard lock(mutex_);
    if (job == job_) token_.cancel();
    std::erase_if(commands_, [&](const Json& command) {
      if (command.value("id", "") != job) return false;
      speaker_.say({{{"type", "done"}, {"id", job}, {"outcome", "cancelled"}}});
      return true;
    });
  }

  /// Ends the thread. False when it did not end in time.
  bool stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    token_.cancel();
    changed_.notify_all();
    if (!changed_.wait_for(lock, kGrace, [&] { return ended_; })) return false;
    lock.unlock();
    thread_.join();
    return true;
  }

 private:
  void work() {
    while (true) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !commands_.empty(); });
      if (stopping_) break;
      const Json command = std::move(commands_.front());
      commands_.pop_front();
      job_ = command.value("id", "");
      const CancelToken token = token_ = CancelToken();
      lock.unlock();
      if (command["type"] == "load") {
        if (auto loaded = ensure_engine(command["options"]); !loaded)
          speaker_.say({{{"type", "load_failed"}, {"error", to_json(loaded.error())}}});
      } else {
        speaker_.say({run(command, token)});
      }
    }
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  Result<> ensure_engine(const Json& options) {
    if (engine_ != nullptr && options == active_) return {};
    engine_ = nullptr;
    Result<pipeline::Engine*> engine;
    try {
      engine = models_.get(engine_options_from(options));
    } catch (const std::exception& exception) {
      return fail(ErrorCode::internal, "worker", "{}", exception.what());
    }
    if (!engine) return tl::make_unexpected(std::move(engine).error());
    engine_ = *engine;
    active_ = options;
    speaker_.say({{{"type", "loaded"}, {"model", to_json(engine_->model())}}});
    return {};
  }

  Result<Job> prepare(const Json& command) {
    TRY_VOID(ensure_engine(command["options"]));
    TRY_ASSIGN(JobRequest request, request_from_json(command.value("request", "")));
    const std::string told = take_recommended(request.values, engine_->model().recommended);
    if (!told.empty() && told != recommended_)
      speaker_.say({{{"type", "message"}, {"id", command.value("id", "")}, {"text", told}}});
    if (!told.empty()) recommended_ = told;
    TRY_ASSIGN(Job job, make_job(request, command.value("root", "")));
    job.request.first_picture = job.output.grid ? 0 : command.value("first_picture", 0);
    return job;
  }

  /// The message that ends the job.
  Json run(const Json& command, const CancelToken& token) {
    const std::string id = command.value("id", "");
    Json done{{"type", "done"}, {"id", id}, {"outcome", "completed"}};
    const auto job = prepare(command);
    if (!job) {
      done["error"] = to_json(job.error());
      return done;
    }
    const JobReport report = run_job(*engine_, *job, events(command, token), token);
    if (report.error) done["error"] = to_json(*report.error);
    if (report.outcome == pipeline::Outcome::cancelled) done["outcome"] = "cancelled";
    return done;
  }

  JobEvents events(const Json& command, const CancelToken& token) {
    const std::string id = command.value("id", "");
    const fs::path notes = command.value("notes", "");
    const auto result = [](const StoredPicture& stored) {
      return PictureResult{stored.index, stored.path,   stored.seed,   stored.seconds,
                           stored.width, stored.height, stored.command};
    };
    const auto tell = [this, id, token](const char* type, Json message, std::string bytes = {}) {
      message["type"] = type;
      message["id"] = id;
      if (!speaker_.say({std::move(message), std::move(bytes)})) token.cancel();
    };
    return {[=](const pipeline::StepProgress& progress) {
              Result<std::string> preview;
              if (progress.preview) preview = image::encode_png(*progress.preview, {}, 1);
              tell("progress", to_json(progress), preview ? std::move(*preview) : std::string());
            },
            [=](const StoredPicture& stored) { tell("picture", to_json(result(stored))); },
            [=](const std::string& text) {
              tell("message", {{"text", text}});
            },
            [=](const StoredPicture& stored, const fs::path& temporary) {
              return write_note(notes, id, result(stored), temporary);
            }};
  }

  Speaker& speaker_;
  LoadedModels models_;                 // of the drawing thread, as what follows
  pipeline::Engine* engine_ = nullptr;  // the one of them that draws
  Json active_;                         // its options
  std::string recommended_;             // what was told last of the model's own settings

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Json> commands_;
  std::string job_;  // being drawn, or the last one
  CancelToken token_;
  bool stopping_ = false;
  bool ended_ = false;
  std::thread thread_;
};

/// False: quit.
bool obey(Frame& frame, Speaker& speaker, Drawer& drawer) {
  const std::string type = frame.message.value("type", "");
  if (type == "ping")
    speaker.say({{{"type", "pong"}}});
  else if (type == "cancel")
    drawer.cancel(frame.message.value("id", ""));
  else if (type == "load" || type == "run")
    drawer.hand_over(std::move(frame.message));
  return type != "quit";
}

/// Reads until the socket closes or somebody says quit.
void listen(int descriptor, Speaker& speaker, Drawer& drawer) {
  FrameReader reader;
  std::string piece(64 << 10, '\0');
  while (true) {
    const ssize_t got = ::read(descriptor, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    reader.feed({piece.data(), static_cast<std::size_t>(got)});
    while (true) {
      auto frame = reader.next();
      if (!frame) return;
      if (!*frame) break;
      if (!obey(**frame, speaker, drawer)) return;
    }
  }
}

}  // namespace

int worker_main(int descriptor, const LoadEngine& load) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, SIG_IGN);
  Speaker speaker(descriptor);
  Drawer drawer(speaker, load);
  speaker.say({{{"type", "ready"}}});
  listen(descriptor, speaker, drawer);
  // A drawing thread that does not stop is somewhere inside the engine; nothing may be torn down
  // under it.
  if (!drawer.stop()) ::_exit(0);
  return 0;
}

}  // namespace invokeai::jobs
