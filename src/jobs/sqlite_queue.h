#pragma once
// The queue of one machine: a SQLite file, which several programs may share.

#include <functional>

#include "jobs/queue.h"

namespace invokeai::jobs {

struct SqliteQueueOptions {
  int busy_milliseconds = 5000;          ///< how long to wait for another program's lock
  std::function<UnixTime()> clock = {};  ///< for tests; empty: the system's
};

/// Opens or makes the file. Errors: io, disk_full, bad_file, each naming it.
Result<std::unique_ptr<JobQueue>> open_sqlite_queue(const fs::path& file,
                                                    const SqliteQueueOptions& options = {});

}  // namespace invokeai::jobs
