#pragma once
// The queue: jobs that survive everything between their submission and their last picture. One
// interface, whatever keeps them.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/subscribers.h"

namespace invokeai::jobs {

/// Milliseconds since 1970 (UTC).
using UnixTime = std::chrono::milliseconds;

enum class JobState { queued, running, completed, failed, cancelled };

/// Name in JSON and logs, e.g. "queued".
const char* job_state_name(JobState state);

/// A job as it is handed in. The request never changes afterwards.
struct NewJob {
  std::string request;   ///< JSON text; jobs/request.h has the usual form
  int pictures = 1;      ///< results that make it complete, at least 1
  int priority = 0;      ///< higher ones run first
  int max_attempts = 3;  ///< workers that may die over the same picture before the job fails
};

/// One result of a job: a picture (or a grid) on disk.
struct PictureResult {
  int index = 0;  ///< within the job, from 0
  fs::path path;
  std::uint32_t seed = 0;
  double seconds = 0;   ///< drawing time
  int width = 0;        ///< pixels
  int height = 0;       ///< pixels
  std::string command;  ///< its Dream text
};

struct JobRecord {
  std::string id;  ///< UUIDv7: sorts by time of submission
  std::string request;
  JobState state = JobState::queued;
  int priority = 0;
  int pictures = 1;
  int done = 0;      ///< results recorded so far
  int attempts = 0;  ///< workers that took it since its last recorded result
  int max_attempts = 3;
  bool cancel_requested = false;  ///< running, but asked to stop
  std::optional<Error> error;     ///< why it failed
  UnixTime submitted{};
  std::optional<UnixTime> started;   ///< when the first worker took it
  std::optional<UnixTime> finished;  ///< completed, failed or cancelled
  std::int64_t revision = 0;         ///< of its last change
};

/// The right of one worker to work on one job, until it runs out. A worker whose lease was lost can
/// record nothing any more.
struct Lease {
  JobRecord job;
  std::int64_t token = 0;
  int first_missing = 0;  ///< index of the first result that is not recorded
};

enum class LeaseState { held, cancel_requested, lost };

/// What became of a result: a job has each index once.
enum class Recording { recorded, known_already, lease_lost };

/// Why a worker lets go of a job that is not finished.
enum class Release {
  returned,  ///< an orderly stop: the job waits again at its place
  crashed,   ///< the worker died: the same, or failed once the attempts are used up
};

struct JobFilter {
  std::optional<JobState> state = {};  ///< none: all
  std::string older_than = {};         ///< id; empty: from the newest
  int limit = 50;
};

/// What happened after some revision.
struct QueueChanges {
  std::int64_t revision = 0;  ///< ask again with this
  bool paused = false;
  std::vector<JobRecord> jobs;       ///< changed or new, in the order of their last change
  std::vector<std::string> removed;  ///< ids
  bool complete = true;  ///< false: more changes than the limit, or too old a revision; list anew
};

enum class Place { before, after };

/// Thread-safe; every call is short, and what it changed is on disk when it returns.
/// Errors of all calls: those of the storage (io, disk_full, bad_file); with an id also not_found.
class JobQueue {
 public:
  virtual ~JobQueue() = default;

  /// Errors: also invalid_argument (no pictures or attempts).
  virtual Result<JobRecord> submit(const NewJob& job) = 0;

  virtual Result<JobRecord> job(const std::string& id) = 0;
  virtual Result<std::vector<PictureResult>> results(const std::string& id) = 0;
  /// Newest first.
  virtual Result<std::vector<JobRecord>> list(const JobFilter& filter) = 0;
  /// Queued jobs in the order they will run.
  virtual Result<std::vector<JobRecord>> waiting(int limit) = 0;
  virtual Result<std::int64_t> count(JobState state) = 0;
  /// How many queued jobs run before this one; 0 for one that is not queued.
  virtual Result<std::int64_t> jobs_before(const std::string& id) = 0;
  virtual Result<QueueChanges> changes_since(std::int64_t revision, int limit = 1000) = 0;

  /// A queued job is cancelled at once, a running one is asked to stop, a finished one stays.
  virtual Result<JobRecord> cancel(const std::string& id) = 0;
  /// A failed or cancelled job waits again, at the end; it goes on at the first missing picture.
  /// Errors: also invalid_argument (it is in another state).
  virtual Result<JobRecord> retry(const std::string& id) = 0;
  /// For a queued job; invalid_argument otherwise.
  virtual Result<JobRecord> set_priority(const std::string& id, int priority) = 0;
  /// Puts a queued job beside another one, whose priority it takes over.
  virtual Result<JobRecord> move(const std::string& id, Place place, const std::string& other) = 0;
  /// While paused no job is handed out; running ones go on.
  virtual Result<> set_paused(bool paused) = 0;
  virtual Result<bool> paused() = 0;
  /// Forgets jobs that ended before this time (never their pictures). Returns how many.
  virtual Result<int> prune(UnixTime finished_before) = 0;

  /// The next job for a worker, after returning the jobs of workers that are gone. `owner` is the
  /// process_identity() of the process that will draw: when it is known to have ended, the job
  /// returns without waiting for the lease to run out.
  virtual Result<std::optional<Lease>> take(const std::string& owner,
                                            std::chrono::milliseconds duration) = 0;
  /// Prolongs the lease.
  virtual Result<LeaseState> heartbeat(const Lease& lease, std::chrono::milliseconds duration) = 0;
  virtual Result<Recording> record(const Lease& lease, const PictureResult& result) = 0;
  /// The end of a job: completed (failed instead when results are missing), cancelled, or failed
  /// with the error. False when the lease was lost and nothing changed.
  virtual Result<bool> finish(const Lease& lease, JobState state,
                              const std::optional<Error>& error = std::nullopt) = 0;
  virtual Result<> release(const Lease& lease, Release reason) = 0;

  /// Called after every change made through this object, on the thread that made it; see
  /// base/subscribers.h for what the callback may do.
  [[nodiscard]] std::shared_ptr<void> subscribe(Subscribers<>::Callback callback) {
    return changed_.subscribe(std::move(callback));
  }

 protected:
  Subscribers<> changed_;
};

}  // namespace invokeai::jobs
