#pragma once
// The inside of a worker process: draws what the server sends, so that a crash of the engine never
// takes the server down. jobs/worker_host.h is the other end.

#include <functional>
#include <memory>

#include "base/result.h"
#include "pipeline/engine.h"

namespace invokeai::jobs {

/// Where a worker finds the socket to its server.
inline constexpr int kWorkerDescriptor = 3;

using LoadEngine =
    std::function<Result<std::unique_ptr<pipeline::Engine>>(const pipeline::EngineOptions&)>;

/// Serves the socket until it closes or the server says quit; then an unfinished picture is given
/// up, at the latest after a second by ending the process. Returns the exit status. Needs the
/// process for itself: it ignores SIGPIPE and SIGINT (Ctrl-C is the server's to handle).
int worker_main(int descriptor = kWorkerDescriptor, const LoadEngine& load = pipeline::load_engine);

}  // namespace invokeai::jobs
