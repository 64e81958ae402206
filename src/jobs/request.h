#pragma once
// What the queue keeps of a generation: the prompt and its settings, by their wire names.

#include <string>

#include "base/settings.h"
#include "jobs/job.h"
#include "jobs/queue.h"

namespace invokeai::jobs {

struct JobRequest {
  std::string prompt;
  SettingValues values;
  int preview_every = 0;  ///< latent preview each n steps; 0 = none
};

/// {"prompt": ..., "values": {...}, "preview_every": n}
std::string request_to_json(const JobRequest& request);

/// Errors: invalid_argument (no JSON, unknown key, wrong type, and as settings_from_json()),
/// unsupported.
Result<JobRequest> request_from_json(std::string_view text);

/// Checks a request as the worker will and hands it in. A missing seed is drawn now, so that a job
/// which goes on after a crash makes the same pictures. Relative output folders lie below `root`.
/// Errors: those of make_job(), check_output_folder() and the queue.
Result<JobRecord> submit_request(JobQueue& queue, JobRequest request, const fs::path& root,
                                 int priority = 0, int max_attempts = 3);

}  // namespace invokeai::jobs
