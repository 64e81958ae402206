#pragma once
// The settings that say what a picture is made from besides noise, and how.

#include "jobs/job.h"

namespace invokeai::jobs {

/// Fills in the parts of the request that pipeline/modes.h describes, and the job's sources. Pictures
/// are looked for as typed, then in `output`. What 2.3.0 set by itself for `--outcrop` and `-D`
/// (strength, seam) is set here where it is not given (generation spec 8.7).
/// Errors: invalid_argument, and those of loading a picture, which name the file.
Result<> fill_in_pictures(const SettingValues& values, const fs::path& output, Job& job);

}  // namespace invokeai::jobs
