#include "server/canvas_pictures.h"

#include <chrono>
#include <set>

#include "base/ids.h"
#include "jobs/request.h"

namespace invokeai::server {
namespace {

constexpr std::chrono::hours kOnItsWay{1};
constexpr int kJobsAtOnce = 500;

/// Folders of the jobs of one state.
Result<> add_needed(jobs::JobQueue& queue, jobs::JobState state, std::set<fs::path>& needed) {
  for (jobs::JobFilter filter{.state = state, .limit = kJobsAtOnce};;) {
    TRY_ASSIGN(const auto jobs, queue.list(filter));
    for (const jobs::JobRecord& job : jobs)
      if (const auto request = jobs::request_from_json(job.request))
        needed.insert(fs::path(request->values.text("init_img")).parent_path());
    if (static_cast<int>(jobs.size()) < kJobsAtOnce) return {};
    filter.older_than = jobs.back().id;
  }
}

}  // namespace

fs::path canvas_folder(const fs::path& output) { return output / ".gallery" / "canvas"; }

Result<CanvasFiles> store_canvas(const fs::path& output, std::string_view picture,
                                 std::string_view mask) {
  const fs::path folder = canvas_folder(output) / new_id();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    return fail(error == std::errc::no_space_on_device ? ErrorCode::disk_full : ErrorCode::io, "",
                "cannot make the folder {}: {}", folder.string(), error.message());
  CanvasFiles files{.picture = folder / "picture.png"};
  Result<> stored = write_file_atomically(files.picture, picture);
  if (stored && !mask.empty()) {
    files.mask = folder / "mask.png";
    stored = write_file_atomically(*files.mask, mask);
  }
  if (stored) return files;
  remove_canvas(output, files.picture);
  return tl::make_unexpected(std::move(stored).error());
}

void remove_canvas(const fs::path& output, const fs::path& picture) {
  const fs::path folder = picture.parent_path();
  std::error_code ignored;
  if (folder.parent_path() == canvas_folder(output)) fs::remove_all(folder, ignored);
}

Result<> remove_forgotten_canvases(const fs::path& output, jobs::JobQueue& queue) {
  std::error_code error;
  fs::directory_iterator at(canvas_folder(output), error);
  if (error || at == fs::directory_iterator()) return {};
  std::set<fs::path> needed;
  using enum jobs::JobState;
  for (const jobs::JobState state : {queued, running, failed, cancelled})
    TRY_VOID(add_needed(queue, state, needed));
  const auto newest = fs::file_time_type::clock::now() - kOnItsWay;
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    std::error_code ignored;
    const auto changed = fs::last_write_time(at->path(), ignored);
    if (!ignored && changed < newest && !needed.contains(at->path()))
      fs::remove_all(at->path(), ignored);
  }
  return {};
}

}  // namespace invokeai::server
