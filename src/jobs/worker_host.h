#pragma once
// The outside of a worker process, one per device: takes jobs from the queue, has them drawn,
// records results, and starts the process again when it dies.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "jobs/queue.h"
#include "jobs/request.h"
#include "pipeline/engine.h"

namespace invokeai::jobs {

/// Something worth showing. Which fields are filled in depends on `kind`.
struct WorkerEvent {
  enum class Kind {
    worker_started,  ///< pid
    worker_ended,    ///< pid, text: why; it is started again
    model_loaded,    ///< model
    model_failed,    ///< text; of a model that was to be loaded before any job
    job_started,     ///< job
    progress,        ///< job, progress; preview_png when there is one
    picture,         ///< job, picture: stored and recorded
    message,         ///< job, text: a warning for the user
    job_ended,       ///< job: its state stands in the queue
    trouble,         ///< text: the queue cannot be read or written; it is tried again
  };
  Kind kind = Kind::message;
  std::string job = {};
  int pid = 0;
  std::string text = {};
  pipeline::ModelInfo model = {};
  pipeline::StepProgress progress = {};  ///< its own preview is empty
  std::string preview_png = {};
  PictureResult picture = {};
};

struct WorkerHostOptions {
  std::vector<std::string> command;  ///< program and arguments; it calls worker_main()
  fs::path notes;  ///< folder for notes of pictures about to be stored, beside the queue
  fs::path root;   ///< relative output folders lie below it
  pipeline::EngineOptions engine;
  bool load_at_once = true;  ///< load the model before the first job
  /// Which model a request wants; empty: `engine` for all. An error fails the job.
  std::function<Result<pipeline::EngineOptions>(const JobRequest&)> choose_engine;

  std::chrono::milliseconds lease{30'000};  ///< prolonged three times in this time
  std::chrono::milliseconds look{500};      ///< for jobs that other processes handed in
  std::chrono::milliseconds ping_every{1'000};
  std::chrono::milliseconds ping_limit{30'000};  ///< without an answer the process hangs
  std::chrono::milliseconds first_restart{50};   ///< doubled with each crash before a first step
  std::chrono::milliseconds last_restart{30'000};
};

/// Has its own thread; no call waits for the worker, except stop(). The callback runs on that
/// thread and should be short: the next event waits for it. It may call the queue.
class WorkerHost {
 public:
  using Callback = std::function<void(const WorkerEvent&)>;

  /// The queue must outlive the host.
  WorkerHost(JobQueue& queue, WorkerHostOptions options, Callback callback);
  ~WorkerHost();  ///< stop() without patience
  WorkerHost(const WorkerHost&) = delete;
  WorkerHost& operator=(const WorkerHost&) = delete;

  /// Draws with this model from now on and loads it as soon as no job is being drawn.
  void load(pipeline::EngineOptions engine);

  /// Takes no more jobs and waits for the one being drawn, at most this long; then returns it to
  /// the queue (finished pictures stay recorded) and ends the process.
  void stop(std::chrono::milliseconds patience);

 private:
  class Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace invokeai::jobs
