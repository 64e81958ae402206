#pragma once
// Notes of pictures that are about to get their names. A worker writes one before each picture is
// named, the server removes it once the result is recorded; what either of them dies over is found
// and recorded, or removed, before the job goes on. So no picture is lost, and none is there twice.

#include "base/file.h"
#include "jobs/queue.h"

namespace invokeai::jobs {

/// `temporary` is the complete file that will be renamed or linked to picture.path.
/// Errors: io, disk_full.
Result<> write_note(const fs::path& folder, const std::string& job, const PictureResult& picture,
                    const fs::path& temporary);

void remove_note(const fs::path& folder, const std::string& job, int index);

/// Settles every note of the leased job: a picture that got its name is recorded (or, when its
/// index is recorded with another file, removed), one that did not is removed. Returns what was
/// recorded. Errors: those of the queue.
Result<std::vector<PictureResult>> settle_notes(const fs::path& folder, JobQueue& queue,
                                                const Lease& lease);

}  // namespace invokeai::jobs
