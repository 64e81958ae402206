// A worker process on the fake engine, for tests; or a server with queue and worker.
//   fake_worker MILLISECONDS_PER_STEP [FOLDER]
// Prompts that start with "crash" end the process, "freeze" stops it.

#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "jobs/sqlite_queue.h"
#include "jobs/worker_host.h"
#include "jobs/worker_process.h"

namespace {

using namespace invokeai;

class TouchyEngine final : public pipeline::Engine {
 public:
  TouchyEngine(const pipeline::EngineOptions& options, int milliseconds)
      : fake_(pipeline::make_fake_engine(options, std::chrono::milliseconds(milliseconds))) {}
  const pipeline::ModelInfo& model() const override { return fake_->model(); }
  Result<pipeline::Outcome> generate(const pipeline::GenerationRequest& request,
                                     const pipeline::GenerationCallbacks& callbacks,
                                     const CancelToken& cancel) override {
    if (request.prompt.starts_with("crash")) std::raise(SIGKILL);
    if (request.prompt.starts_with("freeze")) std::raise(SIGSTOP);
    return fake_->generate(request, callbacks, cancel);
  }

 private:
  std::unique_ptr<pipeline::Engine> fake_;
};

/// Works on the queue in `folder` until it is killed.
int serve(const char* program, const char* milliseconds, const fs::path& folder) {
  const auto queue = jobs::open_sqlite_queue(folder / "queue.db");
  if (!queue) return 1;
  jobs::WorkerHostOptions options;
  options.command = {program, milliseconds};
  options.notes = folder / "notes";
  options.root = folder;
  const jobs::WorkerHost host(**queue, options, {});
  while (true) ::pause();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2) return serve(argv[0], argv[1], argv[2]);
  const int milliseconds = argc > 1 ? std::atoi(argv[1]) : 0;
  return jobs::worker_main(
      jobs::kWorkerDescriptor,
      [=](const pipeline::EngineOptions& options) -> Result<std::unique_ptr<pipeline::Engine>> {
        if (options.model_path == "missing")
          return fail(ErrorCode::not_found, "models", "there is no model {}", options.model_path);
        return std::make_unique<TouchyEngine>(options, milliseconds);
      });
}
