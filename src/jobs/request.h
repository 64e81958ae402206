#pragma once
// What the queue keeps of a generation: the prompt and its settings, by their wire names.

#include <optional>
#include <string>
#include <vector>

#include "base/settings.h"
#include "jobs/job.h"
#include "jobs/queue.h"

namespace invokeai::jobs {

struct JobRequest {
  std::string prompt;
  SettingValues values;
  int preview_every = 0;  ///< preview each n steps; 0 = none
  bool full_previews = false;  ///< of full size instead of an eighth
  /// One for each picture when their prompts differ, see Job::pictures.
  std::vector<PicturePrompt> pictures = {};
  std::optional<pipeline::CanvasBox> canvas = {};  ///< of the starting picture
  std::string tag = {};  ///< whatever the door that made it wants to find again
};

/// {"prompt": ..., "values": {...}, "preview_every": n}; what else differs from its default is there
/// too: "full_previews", "pictures": [{prompt, negative_prompt, seed}], "canvas": {box, working},
/// "tag".
std::string request_to_json(const JobRequest& request);

/// Errors: invalid_argument (no JSON, unknown key, wrong type, and as settings_from_json()),
/// unsupported.
Result<JobRequest> request_from_json(std::string_view text);

/// The job of a request. Errors: those of make_job().
Result<Job> make_job(const JobRequest& request, const fs::path& root);

/// Checks a request as the worker will and hands it in. A missing seed is drawn now, so that a job
/// which goes on after a crash makes the same pictures. Relative output folders lie below `root`.
/// Errors: those of make_job(), check_output_folder() and the queue.
Result<JobRecord> submit_request(JobQueue& queue, JobRequest request, const fs::path& root,
                                 int priority = 0, int max_attempts = 3);

}  // namespace invokeai::jobs
