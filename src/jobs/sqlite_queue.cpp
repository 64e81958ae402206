#include "jobs/sqlite_queue.h"

#include <algorithm>
#include <array>
#include <limits>
#include <mutex>

#include "base/ids.h"
#include "base/process.h"
#include "base/settings.h"
#include "base/sqlite.h"

namespace invokeai::jobs {

const char* job_state_name(JobState state) {
  constexpr std::array kNames = {"queued", "running", "completed", "failed", "cancelled"};
  return kNames[static_cast<std::size_t>(state)];
}

namespace {

constexpr const char* kSteps[] = {R"sql(
  CREATE TABLE jobs (
    id TEXT PRIMARY KEY, request TEXT NOT NULL, state INTEGER NOT NULL, priority INTEGER NOT NULL,
    position INTEGER NOT NULL, pictures INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0, max_attempts INTEGER NOT NULL,
    cancel_requested INTEGER NOT NULL DEFAULT 0, error_code INTEGER, error TEXT,
    submitted INTEGER NOT NULL, started INTEGER, finished INTEGER, revision INTEGER NOT NULL,
    owner TEXT, token INTEGER, lease_until INTEGER);
  CREATE INDEX jobs_in_order ON jobs (state, priority DESC, position);
  CREATE INDEX jobs_by_state ON jobs (state, id);
  CREATE INDEX jobs_by_revision ON jobs (revision);
  CREATE TABLE results (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE, picture INTEGER NOT NULL,
    path TEXT NOT NULL, seed INTEGER NOT NULL, seconds REAL NOT NULL, width INTEGER NOT NULL,
    height INTEGER NOT NULL, command TEXT NOT NULL, PRIMARY KEY (job, picture)) WITHOUT ROWID;
  CREATE TABLE removed (id TEXT NOT NULL, revision INTEGER NOT NULL);
  CREATE INDEX removed_by_revision ON removed (revision);
  CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO numbers VALUES ('revision', 0), ('paused', 0), ('forgotten', 0);
)sql"};

#define JOB_COLUMNS                                                                          \
  "id, request, state, priority, pictures, done, attempts, max_attempts, cancel_requested, " \
  "error_code, error, submitted, started, finished, revision"

constexpr std::int64_t kGap = std::int64_t{1} << 20;  // between positions, to move jobs into
constexpr int kKeptRemovals = 10'000;

std::optional<UnixTime> maybe_time(const sql::Statement& row, int column) {
  const auto value = row.maybe_integer(column);
  return value ? std::optional(UnixTime(*value)) : std::nullopt;
}

JobRecord read_job(const sql::Statement& row) {
  JobRecord job;
  job.id = row.text(0);
  job.request = row.text(1);
  job.state = static_cast<JobState>(row.integer(2));
  job.priority = static_cast<int>(row.integer(3));
  job.pictures = static_cast<int>(row.integer(4));
  job.done = static_cast<int>(row.integer(5));
  job.attempts = static_cast<int>(row.integer(6));
  job.max_attempts = static_cast<int>(row.integer(7));
  job.cancel_requested = row.integer(8) != 0;
  if (!row.is_null(9)) job.error = Error{static_cast<ErrorCode>(row.integer(9)), "", row.text(10)};
  job.submitted = UnixTime(row.integer(11));
  job.started = maybe_time(row, 12);
  job.finished = maybe_time(row, 13);
  job.revision = row.integer(14);
  return job;
}

Result<std::vector<JobRecord>> read_jobs(Result<sql::Statement> rows) {
  if (!rows) return tl::make_unexpected(std::move(rows).error());
  std::vector<JobRecord> jobs;
  while (true) {
    TRY_ASSIGN(const bool more, rows->step());
    if (!more) return jobs;
    jobs.push_back(read_job(*rows));
  }
}

class SqliteQueue final : public JobQueue {
 public:
  SqliteQueue(sql::Database database, const SqliteQueueOptions& options)
      : database_(std::move(database)), clock_(options.clock) {}

  Result<JobRecord> submit(const NewJob& job) override {
    if (job.pictures < 1 || job.max_attempts < 1)
      return fail(ErrorCode::invalid_argument, "queue",
                  "a job has at least 1 picture and 1 attempt, not {} and {}", job.pictures,
                  job.max_attempts);
    return change([&]() -> Result<JobRecord> {
      const std::string id = new_id();
      TRY_ASSIGN(const std::int64_t revision, next_revision());
      TRY_ASSIGN(const std::int64_t position, last_position());
      TRY_VOID(database_.run(
          "INSERT INTO jobs (id, request, state, priority, position, pictures, max_attempts, "
          "submitted, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
          id, job.request, int(JobState::queued), job.priority, position, job.pictures,
          job.max_attempts, now(), revision));
      return find(id);
    });
  }

  Result<JobRecord> job(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    return find(id);
  }

  Result<std::vector<PictureResult>> results(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    TRY_VOID(find(id));
    TRY_ASSIGN(sql::Statement row,
               database_.query("SELECT picture, path, seed, seconds, width, height, command FROM "
                               "results WHERE job = ? ORDER BY picture",
                               id));
    std::vector<PictureResult> results;
    while (true) {
      TRY_ASSIGN(const bool more, row.step());
      if (!more) return results;
      results.push_back({static_cast<int>(row.integer(0)), row.text(1),
                         static_cast<std::uint32_t>(row.integer(2)), row.real(3),
                         static_cast<int>(row.integer(4)), static_cast<int>(row.integer(5)),
                         row.text(6)});
    }
  }

  Result<std::vector<JobRecord>> list(const JobFilter& filter) override {
    const std::lock_guard lock(mutex_);
    const std::string before = filter.older_than.empty() ? "~" : filter.older_than;
    if (filter.state)
      return read_jobs(database_.query("SELECT " JOB_COLUMNS
                                       " FROM jobs WHERE state = ? AND id < ? ORDER BY id DESC "
                                       "LIMIT ?",
                                       int(*filter.state), before, filter.limit));
    return read_jobs(database_.query("SELECT " JOB_COLUMNS
                                     " FROM jobs WHERE id < ? ORDER BY id DESC LIMIT ?",
                                     before, filter.limit));
  }

  Result<std::vector<JobRecord>> waiting(int limit) override {
    const std::lock_guard lock(mutex_);
    return read_jobs(database_.query("SELECT " JOB_COLUMNS
                                     " FROM jobs WHERE state = 0 ORDER BY priority DESC, position "
                                     "LIMIT ?",
                                     limit));
  }

  Result<std::int64_t> count(JobState state) override {
    const std::lock_guard lock(mutex_);
    return single(database_.query("SELECT COUNT(*) FROM jobs WHERE state = ?", int(state)));
  }

  Result<std::int64_t> jobs_before(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    return single(database_.query(
        "SELECT COUNT(*) FROM jobs AS it JOIN jobs AS other ON other.state = 0 WHERE it.id = ? AND "
        "it.state = 0 AND (other.priority > it.priority OR (other.priority = it.priority AND "
        "other.position < it.position))",
        id));
  }

  Result<QueueChanges> changes_since(std::int64_t since, int limit) override;
  Result<JobRecord> cancel(const std::string& id) override;
  Result<JobRecord> retry(const std::string& id) override;
  Result<JobRecord> set_priority(const std::string& id, int priority) override;
  Result<JobRecord> move(const std::string& id, Place place, const std::string& other) override;
  Result<> set_paused(bool paused) override;
  Result<int> prune(UnixTime finished_before) override;
  Result<std::optional<Lease>> take(const std::string& owner,
                                    std::chrono::milliseconds duration) override;
  Result<LeaseState> heartbeat(const Lease& lease, std::chrono::milliseconds duration) override;
  Result<Recording> record(const Lease& lease, const PictureResult& result) override;
  Result<bool> finish(const Lease& lease, JobState state,
                      const std::optional<Error>& error) override;
  Result<> release(const Lease& lease, Release reason) override;

  Result<bool> paused() override {
    const std::lock_guard lock(mutex_);
    TRY_ASSIGN(const std::int64_t value, number("paused"));
    return value != 0;
  }

 private:
  /// Runs `action` in a transaction, then tells the subscribers if it changed something.
  template <class Action>
  std::invoke_result_t<Action> change(Action action) {
    bool touched = false;
    auto result = [&]() -> std::invoke_result_t<Action> {
      const std::lock_guard lock(mutex_);
      touched_ = false;
      TRY_ASSIGN(sql::Transaction transaction, database_.begin());
      auto outcome = action();
      if (!outcome) return outcome;
      TRY_VOID(transaction.commit());
      touched = touched_;
      return outcome;
    }();
    if (touched) changed_.notify();
    return result;
  }

  std::int64_t now() const {
    if (clock_) return clock_().count();
    return std::chrono::duration_cast<UnixTime>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  Result<std::int64_t> single(Result<sql::Statement> row) {
    if (!row) return tl::make_unexpected(std::move(row).error());
    TRY_ASSIGN(const bool any, row->step());
    return any ? row->integer(0) : 0;
  }

  Result<std::int64_t> number(const char* name) {
    return single(database_.query("SELECT value FROM numbers WHERE name = ?", name));
  }

  Result<std::int64_t> next_revision() {
    touched_ = true;
    return single(database_.query(
        "UPDATE numbers SET value = value + 1 WHERE name = 'revision' RETURNING value"));
  }

  Result<std::int64_t> last_position() {
    TRY_ASSIGN(const std::int64_t largest,
               single(database_.query("SELECT max(position) FROM jobs")));
    return largest + kGap;
  }

  Result<JobRecord> find(const std::string& id) {
    TRY_ASSIGN(sql::Statement row,
               database_.query("SELECT " JOB_COLUMNS " FROM jobs WHERE id = ?", id));
    TRY_ASSIGN(const bool any, row.step());
    if (!any) return fail(ErrorCode::not_found, "queue", "there is no job {}", shown(id));
    return read_job(row);
  }

  Result<JobRecord> find_queued(const std::string& id, const char* wish) {
    TRY_ASSIGN(JobRecord job, find(id));
    if (job.state == JobState::queued) return job;
    return fail(ErrorCode::invalid_argument, "queue", "job {} is {}; only queued jobs can {}", id,
                job_state_name(job.state), wish);
  }

  /// Sets a state that needs no worker, and ends the lease.
  Result<> set_state(const std::string& id, JobState state,
                     const std::optional<Error>& error = {}) {
    TRY_ASSIGN(const std::int64_t revision, next_revision());
    const bool ended = state != JobState::queued;
    TRY_VOID(database_.run(
        "UPDATE jobs SET state = ?, error_code = ?, error = ?, finished = ?, owner = NULL, "
        "token = NULL, lease_until = NULL, cancel_requested = 0, revision = ? WHERE id = ?",
        int(state), error ? std::optional(int(error->code)) : std::nullopt,
        error ? std::optional(error->message) : std::nullopt,
        ended ? std::optional(now()) : std::nullopt, revision, id));
    return {};
  }

  Result<bool> holds(const Lease& lease) {
    TRY_ASSIGN(const std::int64_t count,
               single(database_.query("SELECT count(*) FROM jobs WHERE id = ? AND token = ?",
                                      lease.job.id, lease.token)));
    return count == 1;
  }

  Result<> let_go(const JobRecord& job, Release reason);
  Result<> return_lost_jobs();
  Result<std::optional<Lease>> lease_next(const std::string& owner,
                                          std::chrono::milliseconds duration);
  Result<int> first_missing(const std::string& id);
  Result<std::int64_t> position_beside(const JobRecord& other, Place place);

  std::mutex mutex_;  // guards the next two
  sql::Database database_;
  bool touched_ = false;  // since the transaction began
  std::function<UnixTime()> clock_;
};

Result<QueueChanges> SqliteQueue::changes_since(std::int64_t since, int limit) {
  const std::lock_guard lock(mutex_);
  // Another program may change the queue between two queries.
  TRY_ASSIGN([[maybe_unused]] const sql::Transaction snapshot, database_.begin_reading());
  QueueChanges changes;
  TRY_ASSIGN(changes.revision, number("revision"));
  TRY_ASSIGN(const std::int64_t paused, number("paused"));
  changes.paused = paused != 0;
  TRY_ASSIGN(const std::int64_t forgotten, number("forgotten"));
  TRY_ASSIGN(changes.jobs,
             read_jobs(database_.query("SELECT " JOB_COLUMNS
                                       " FROM jobs WHERE revision > ? ORDER BY revision LIMIT ?",
                                       since, limit + 1)));
  TRY_ASSIGN(sql::Statement gone,
             database_.query("SELECT id FROM removed WHERE revision > ? ORDER BY revision", since));
  while (true) {
    TRY_ASSIGN(const bool more, gone.step());
    if (!more) break;
    changes.removed.push_back(gone.text(0));
  }
  // A revision from the future belongs to another queue file.
  changes.complete = std::cmp_less_equal(changes.jobs.size(), limit) && since >= forgotten &&
                     since <= changes.revision;
  if (std::cmp_greater(changes.jobs.size(), limit)) changes.jobs.pop_back();
  return changes;
}

Result<JobRecord> SqliteQueue::cancel(const std::string& id) {
  return change([&]() -> Result<JobRecord> {
    TRY_ASSIGN(const JobRecord job, find(id));
    if (job.state == JobState::queued) {
      TRY_VOID(set_state(id, JobState::cancelled));
    } else if (job.state == JobState::running && !job.cancel_requested) {
      TRY_ASSIGN(const std::int64_t revision, next_revision());
      TRY_VOID(database_.run("UPDATE jobs SET cancel_requested = 1, revision = ? WHERE id = ?",
                             revision, id));
    }
    return find(id);
  });
}

Result<JobRecord> SqliteQueue::retry(const std::string& id) {
  return change([&]() -> Result<JobRecord> {
    TRY_ASSIGN(const JobRecord job, find(id));
    if (job.state != JobState::failed && job.state != JobState::cancelled)
      return fail(ErrorCode::invalid_argument, "queue",
                  "job {} is {}; only failed and cancelled jobs can be tried again", id,
                  job_state_name(job.state));
    TRY_VOID(set_state(id, JobState::queued));
    TRY_ASSIGN(const std::int64_t position, last_position());
    TRY_VOID(
        database_.run("UPDATE jobs SET attempts = 0, position = ? WHERE id = ?", position, id));
    return find(id);
  });
}

Result<JobRecord> SqliteQueue::set_priority(const std::string& id, int priority) {
  return change([&]() -> Result<JobRecord> {
    TRY_VOID(find_queued(id, "change their priority"));
    TRY_ASSIGN(const std::int64_t revision, next_revision());
    TRY_VOID(database_.run("UPDATE jobs SET priority = ?, revision = ? WHERE id = ?", priority,
                           revision, id));
    return find(id);
  });
}

/// A free position directly before or after a queued job; 0 when the gap there is used up.
Result<std::int64_t> SqliteQueue::position_beside(const JobRecord& other, Place place) {
  TRY_ASSIGN(const std::int64_t own,
             single(database_.query("SELECT position FROM jobs WHERE id = ?", other.id)));
  const bool before = place == Place::before;
  TRY_ASSIGN(const std::int64_t found,
             single(database_.query(before ? "SELECT max(position) FROM jobs WHERE state = 0 AND "
                                             "priority = ? AND position < ?"
                                           : "SELECT min(position) FROM jobs WHERE state = 0 AND "
                                             "priority = ? AND position > ?",
                                    other.priority, own)));
  const std::int64_t neighbour = found != 0 ? found : before ? own - 2 * kGap : own + 2 * kGap;
  const std::int64_t middle = own + (neighbour - own) / 2;
  return middle == own || middle == neighbour ? 0 : middle;
}

Result<JobRecord> SqliteQueue::move(const std::string& id, Place place, const std::string& other) {
  return change([&]() -> Result<JobRecord> {
    TRY_ASSIGN(const JobRecord job, find_queued(id, "be moved"));
    TRY_ASSIGN(const JobRecord neighbour, find_queued(other, "be moved to"));
    if (id == other) return job;
    TRY_ASSIGN(std::int64_t position, position_beside(neighbour, place));
    if (position == 0) {
      TRY_VOID(database_.run(
          "UPDATE jobs SET position = fresh.number * ? FROM (SELECT id, row_number() OVER (ORDER "
          "BY position) AS number FROM jobs) AS fresh WHERE jobs.id = fresh.id",
          kGap));
      TRY_ASSIGN(position, position_beside(neighbour, place));
    }
    TRY_ASSIGN(const std::int64_t revision, next_revision());
    TRY_VOID(database_.run("UPDATE jobs SET position = ?, priority = ?, revision = ? WHERE id = ?",
                           position, neighbour.priority, revision, id));
    return find(id);
  });
}

Result<> SqliteQueue::set_paused(bool paused) {
  return change([&]() -> Result<> {
    TRY_VOID(next_revision());
    TRY_VOID(database_.run("UPDATE numbers SET value = ? WHERE name = 'paused'", int(paused)));
    return {};
  });
}

Result<int> SqliteQueue::prune(UnixTime finished_before) {
  return change([&]() -> Result<int> {
    TRY_ASSIGN(const std::int64_t revision, next_revision());
    TRY_VOID(database_.run(
        "INSERT INTO removed SELECT id, ? FROM jobs WHERE state >= 2 AND finished < ?", revision,
        finished_before.count()));
    TRY_ASSIGN(const std::int64_t count,
               database_.run("DELETE FROM jobs WHERE state >= 2 AND finished < ?",
                             finished_before.count()));
    // Followers that are further behind than the kept removals must list anew.
    TRY_ASSIGN(const std::int64_t forgotten,
               single(database_.query("SELECT revision FROM removed ORDER BY revision DESC LIMIT 1 "
                                      "OFFSET ?",
                                      kKeptRemovals)));
    if (forgotten > 0) {
      TRY_VOID(database_.run("DELETE FROM removed WHERE revision <= ?", forgotten));
      TRY_VOID(database_.run("UPDATE numbers SET value = ? WHERE name = 'forgotten'", forgotten));
    }
    return static_cast<int>(count);
  });
}

/// A job without its worker: cancelled if that was wanted, failed if it kills every worker.
Result<> SqliteQueue::let_go(const JobRecord& job, Release reason) {
  if (job.cancel_requested) return set_state(job.id, JobState::cancelled);
  if (reason == Release::crashed && job.attempts >= job.max_attempts)
    return set_state(
        job.id, JobState::failed,
        Error{ErrorCode::internal, "",
              fmt::format("the engine ended unexpectedly {} times in a row while drawing picture "
                          "{} of {}; try again with a smaller size",
                          job.attempts, job.done + 1, job.pictures)});
  TRY_VOID(set_state(job.id, JobState::queued));
  if (reason == Release::returned)
    TRY_VOID(database_.run("UPDATE jobs SET attempts = max(0, attempts - 1) WHERE id = ?", job.id));
  return {};
}

Result<> SqliteQueue::return_lost_jobs() {
  std::vector<std::string> lost;
  {
    TRY_ASSIGN(sql::Statement row,
               database_.query("SELECT id, owner, lease_until FROM jobs WHERE state = 1"));
    while (true) {
      TRY_ASSIGN(const bool more, row.step());
      if (!more) break;
      if (row.integer(2) < now() || !may_be_running(row.text(1))) lost.push_back(row.text(0));
    }
  }
  for (const std::string& id : lost) {
    TRY_ASSIGN(const JobRecord job, find(id));
    TRY_VOID(let_go(job, Release::crashed));
  }
  return {};
}

Result<int> SqliteQueue::first_missing(const std::string& id) {
  TRY_ASSIGN(sql::Statement row,
             database_.query("SELECT picture FROM results WHERE job = ? ORDER BY picture", id));
  int missing = 0;
  while (true) {
    TRY_ASSIGN(const bool more, row.step());
    if (!more || row.integer(0) != missing) return missing;
    ++missing;
  }
}

Result<std::optional<Lease>> SqliteQueue::take(const std::string& owner,
                                               std::chrono::milliseconds duration) {
  {  // Asked several times a second: without work and without lost work nothing is written.
    const std::lock_guard lock(mutex_);
    TRY_ASSIGN(
        const std::int64_t work,
        single(database_.query("SELECT (SELECT value FROM numbers WHERE name = 'paused') = 0 "
                               "AND EXISTS (SELECT 1 FROM jobs WHERE state IN (0, 1))")));
    if (work == 0) return std::nullopt;
  }
  return change([&] { return lease_next(owner, duration); });
}

Result<std::optional<Lease>> SqliteQueue::lease_next(const std::string& owner,
                                                     std::chrono::milliseconds duration) {
  TRY_VOID(return_lost_jobs());
  TRY_ASSIGN(const std::vector<JobRecord> next,
             read_jobs(database_.query("SELECT " JOB_COLUMNS
                                       " FROM jobs WHERE state = 0 ORDER BY priority DESC, "
                                       "position LIMIT 1")));
  if (next.empty()) return std::nullopt;
  Lease lease;
  TRY_ASSIGN(lease.token, next_revision());
  TRY_VOID(database_.run(
      "UPDATE jobs SET state = 1, owner = ?, token = ?, lease_until = ?, attempts = attempts + 1, "
      "started = coalesce(started, ?), revision = ? WHERE id = ?",
      owner, lease.token, now() + duration.count(), now(), lease.token, next.front().id));
  TRY_ASSIGN(lease.job, find(next.front().id));
  TRY_ASSIGN(lease.first_missing, first_missing(lease.job.id));
  return lease;
}

Result<LeaseState> SqliteQueue::heartbeat(const Lease& lease, std::chrono::milliseconds duration) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const std::int64_t held,
             database_.run("UPDATE jobs SET lease_until = ? WHERE id = ? AND token = ?",
                           now() + duration.count(), lease.job.id, lease.token));
  if (held == 0) return LeaseState::lost;
  TRY_ASSIGN(const JobRecord job, find(lease.job.id));
  return job.cancel_requested ? LeaseState::cancel_requested : LeaseState::held;
}

Result<Recording> SqliteQueue::record(const Lease& lease, const PictureResult& result) {
  return change([&]() -> Result<Recording> {
    TRY_ASSIGN(const bool held, holds(lease));
    if (!held) return Recording::lease_lost;
    TRY_ASSIGN(const std::int64_t added,
               database_.run("INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                             lease.job.id, result.index, result.path.string(), result.seed,
                             result.seconds, result.width, result.height, result.command));
    if (added == 0) return Recording::known_already;
    TRY_ASSIGN(const std::int64_t revision, next_revision());
    TRY_VOID(
        database_.run("UPDATE jobs SET done = done + 1, attempts = 0, revision = ? WHERE id = ?",
                      revision, lease.job.id));
    return Recording::recorded;
  });
}

Result<bool> SqliteQueue::finish(const Lease& lease, JobState state,
                                 const std::optional<Error>& error) {
  return change([&]() -> Result<bool> {
    TRY_ASSIGN(const bool held, holds(lease));
    if (!held) return false;
    TRY_ASSIGN(const JobRecord job, find(lease.job.id));
    if (state == JobState::completed && job.done < job.pictures) {
      TRY_VOID(set_state(job.id, JobState::failed,
                         Error{ErrorCode::internal, "",
                               fmt::format("the engine ended the job after {} of {} pictures",
                                           job.done, job.pictures)}));
    } else {
      TRY_VOID(set_state(job.id, state, error));
    }
    return true;
  });
}

Result<> SqliteQueue::release(const Lease& lease, Release reason) {
  return change([&]() -> Result<> {
    TRY_ASSIGN(const bool held, holds(lease));
    if (!held) return {};
    TRY_ASSIGN(const JobRecord job, find(lease.job.id));
    return let_go(job, reason);
  });
}

}  // namespace

Result<std::unique_ptr<JobQueue>> open_sqlite_queue(const fs::path& file,
                                                    const SqliteQueueOptions& options) {
  TRY_ASSIGN(sql::Database database,
             sql::Database::open(file, {.busy_milliseconds = options.busy_milliseconds}));
  TRY_VOID(database.migrate(kSteps));
  return std::make_unique<SqliteQueue>(std::move(database), options);
}

}  // namespace invokeai::jobs
