#pragma once
// `!fix`: work on a finished picture (cli spec 3.2). What is drawn is done here; face restoration
// and upscaling need networks of their own.

#include <string>

#include "jobs/job.h"

namespace invokeai::jobs {

/// What a prompt says to draw it with besides its own words.
///   values  given settings stay; the others become those the picture was drawn with
/// Returns the prompt.
std::string take_stored_prompt(const image::ImageMetadata& drawn, SettingValues& values);

/// Fills in a job that works on one picture, by the first of --embiggen, -D and -c that is given. A
/// missing prompt and seed are those the picture was drawn with, and noted in `values`; a negative
/// seed asks for a random one. The result is `<start of the picture's name>.<seed>.<tool>.png` in the output folder, with
/// -01, -02... behind the tool where that exists, and tells both how the picture was drawn and how
/// it was worked on. (2.3.0 took the stored seed for -S 0 too, and another for --embiggen.)
///   prompt  empty: the picture's own
/// Errors: those of make_job(), and invalid_argument when nothing says what to do or -I is given.
Result<Job> make_fix_job(const fs::path& picture, std::string prompt, SettingValues& values,
                         const fs::path& root);

}  // namespace invokeai::jobs
