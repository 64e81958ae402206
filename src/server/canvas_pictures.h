#pragma once
// Pictures that come along with one job, as those of a canvas do: where they wait for it, and when
// they go.

#include <optional>
#include <string_view>

#include "base/file.h"
#include "jobs/queue.h"

namespace invokeai::server {

/// Below the output folder; each job's pictures lie in a folder of their own.
fs::path canvas_folder(const fs::path& output);

struct CanvasFiles {
  fs::path picture;
  std::optional<fs::path> mask = {};
};

/// Stores both, or nothing. `mask` may be empty. Errors: disk_full, io.
Result<CanvasFiles> store_canvas(const fs::path& output, std::string_view picture,
                                 std::string_view mask);

/// Removes what was stored with this picture; leaves every other file alone.
void remove_canvas(const fs::path& output, const fs::path& picture);

/// Removes what no job needs any more, unless it came within the last hour: the job may be on its
/// way. A failed or cancelled job needs its pictures, as it may be tried again.
Result<> remove_forgotten_canvases(const fs::path& output, jobs::JobQueue& queue);

}  // namespace invokeai::server
