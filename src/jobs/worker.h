#pragma once
// The worker: one job through an engine, each finished picture stored at once. The only place where
// exceptions of the computation become errors.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "jobs/job.h"

namespace invokeai::jobs {

/// A picture (or grid) on disk.
struct StoredPicture {
  int index = 0;  ///< within the job, from 0; a grid is 0
  fs::path path;
  std::uint32_t seed = 0;
  double seconds = 0;   ///< drawing time
  int width = 0;        ///< pixels
  int height = 0;       ///< pixels
  std::string command;  ///< its Dream text: the command line that makes it again
};

/// What a door may show while the job runs; each may be empty.
struct JobEvents {
  std::function<void(const pipeline::StepProgress&)> on_step;
  std::function<void(const StoredPicture&)> on_picture;
  std::function<void(const std::string&)> on_message;
  /// Before a picture, complete under a temporary name, becomes `picture.path`; an error stops the
  /// job. So whoever must never store a picture twice can make a note first.
  std::function<Result<>(const StoredPicture& picture, const fs::path& temporary)> before_naming =
      {};
};

/// How the job ended. What was finished before an error or a cancel is stored and listed.
struct JobReport {
  std::vector<StoredPicture> pictures;
  std::vector<std::uint32_t> seeds;  ///< of all pictures, those within a grid too
  pipeline::Outcome outcome = pipeline::Outcome::completed;
  std::optional<Error> error;
  double seconds = 0;
};

/// Draws, stores and logs. Never throws; errors are those of the engine, of storing, out_of_memory
/// and internal.
JobReport run_job(pipeline::Engine& engine, const Job& job, const JobEvents& events,
                  const CancelToken& cancel);

}  // namespace invokeai::jobs
