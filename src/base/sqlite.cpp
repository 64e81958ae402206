#include "base/sqlite.h"

#include <sqlite3.h>

#include <cerrno>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

namespace invokeai::sql {
namespace internal {

struct Connection {
  sqlite3* handle = nullptr;
  fs::path path;
  int busy_milliseconds = 0;
  std::map<std::string, std::vector<sqlite3_stmt*>, std::less<>> idle;  ///< by their text

  ~Connection() {
    for (auto& [text, statements] : idle)
      for (sqlite3_stmt* statement : statements) sqlite3_finalize(statement);
    sqlite3_close_v2(handle);
  }
};

}  // namespace internal

namespace {

constexpr const char* kOrigin = "sqlite";

tl::unexpected<Error> failure(const internal::Connection& connection, int code) {
  const std::string file = connection.path.string();
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(ErrorCode::io, kOrigin,
                  "{} is locked by another program, also after waiting {} ms; end that program or "
                  "try again",
                  file, connection.busy_milliseconds);
    case SQLITE_FULL:
      return fail(ErrorCode::disk_full, kOrigin, "no space left for {}; free some and try again",
                  file);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return fail(ErrorCode::io, kOrigin, "{} cannot be written: it or its folder is read-only",
                  file);
    case SQLITE_CANTOPEN: {
      const int error = connection.handle != nullptr ? sqlite3_system_errno(connection.handle) : 0;
      return fail(error == ENOSPC ? ErrorCode::disk_full : ErrorCode::io, kOrigin,
                  "cannot open {}: {}", file,
                  error != 0 ? std::generic_category().message(error) : "no such file or folder");
    }
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return fail(ErrorCode::bad_file, kOrigin,
                  "{} is damaged or no SQLite database; move it away and start again", file);
    case SQLITE_NOMEM:
      return fail(ErrorCode::out_of_memory, kOrigin, "no memory left to read {}", file);
    case SQLITE_IOERR: {
      const int error = connection.handle != nullptr ? sqlite3_system_errno(connection.handle) : 0;
      const bool full = error == ENOSPC || error == EDQUOT;
      return fail(full ? ErrorCode::disk_full : ErrorCode::io, kOrigin,
                  "cannot read or write {}: {}", file,
                  error != 0 ? std::generic_category().message(error) : sqlite3_errstr(code));
    }
    default:
      return fail(
          ErrorCode::internal, kOrigin, "{}: {}", file,
          connection.handle != nullptr ? sqlite3_errmsg(connection.handle) : sqlite3_errstr(code));
  }
}

Result<> run_text(internal::Connection& connection, const char* script) {
  const int code = sqlite3_exec(connection.handle, script, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(connection, code);
  return {};
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_), statement_(std::exchange(other.statement_, nullptr)) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  connection_->idle[sqlite3_sql(statement_)].push_back(statement_);
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return failure(*connection_, code);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::optional<std::int64_t> Statement::maybe_integer(int column) const {
  return is_null(column) ? std::nullopt : std::optional(integer(column));
}

std::optional<std::string> Statement::maybe_text(int column) const {
  return is_null(column) ? std::nullopt : std::optional(text(column));
}

Result<> Statement::bind(int index, std::nullptr_t) {
  const int code = sqlite3_bind_null(statement_, index);
  if (code != SQLITE_OK) return failure(*connection_, code);
  return {};
}

Result<> Statement::bind(int index, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_, index, value);
  if (code != SQLITE_OK) return failure(*connection_, code);
  return {};
}

Result<> Statement::bind(int index, double value) {
  const int code = sqlite3_bind_double(statement_, index, value);
  if (code != SQLITE_OK) return failure(*connection_, code);
  return {};
}

Result<> Statement::bind(int index, std::string_view value) {
  const char* bytes = value.data() != nullptr ? value.data() : "";
  const int code =
      sqlite3_bind_text64(statement_, index, bytes, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) return failure(*connection_, code);
  return {};
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  if (connection_ != nullptr)
    sqlite3_exec(connection_->handle, "ROLLBACK", nullptr, nullptr, nullptr);
}

Result<> Transaction::commit() {
  INVOKEAI_CHECK(connection_ != nullptr);
  TRY_VOID(run_text(*connection_, "COMMIT"));
  connection_ = nullptr;
  return {};
}

Database::Database(std::unique_ptr<internal::Connection> connection)
    : connection_(std::move(connection)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const fs::path& path, const DatabaseOptions& options) {
  const bool writes = options.access == Access::read_write;
  if (writes && path.has_parent_path()) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error)
      return fail(error == std::errc::no_space_on_device ? ErrorCode::disk_full : ErrorCode::io,
                  kOrigin, "cannot make the folder {}: {}", path.parent_path().string(),
                  error.message());
  }
  auto connection = std::make_unique<internal::Connection>();
  connection->path = path;
  connection->busy_milliseconds = options.busy_milliseconds;
  const int flags = (writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &connection->handle, flags, nullptr);
  if (code != SQLITE_OK) return failure(*connection, code);
  sqlite3_busy_timeout(connection->handle, options.busy_milliseconds);
  TRY_VOID(run_text(*connection, "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;"));
  if (writes) {
    TRY_VOID(run_text(*connection, "PRAGMA journal_mode = WAL"));
    TRY_VOID(run_text(
        *connection, options.synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
  }
  return Database(std::move(connection));
}

Result<Statement> Database::prepare(std::string_view text) {
  if (const auto found = connection_->idle.find(text);
      found != connection_->idle.end() && !found->second.empty()) {
    sqlite3_stmt* statement = found->second.back();
    found->second.pop_back();
    return Statement(connection_.get(), statement);
  }
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(connection_->handle, text.data(), static_cast<int>(text.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return failure(*connection_, code);
  INVOKEAI_CHECK(statement != nullptr);
  return Statement(connection_.get(), statement);
}

Result<Statement> Database::query_with(std::string_view statement, std::span<const Value> values) {
  TRY_ASSIGN(Statement prepared, prepare(statement));
  int index = 0;
  for (const Value& value : values)
    TRY_VOID(std::visit([&](const auto& typed) { return prepared.bind(++index, typed); }, value));
  return prepared;
}

Result<std::int64_t> Database::finish(Statement& statement) {
  const std::int64_t before = sqlite3_total_changes64(connection_->handle);
  bool more = true;
  while (more) {
    TRY_ASSIGN(more, statement.step());
  }
  // A statement that changes nothing leaves sqlite3_changes() as the one before it set it.
  if (sqlite3_total_changes64(connection_->handle) == before) return 0;
  return sqlite3_changes64(connection_->handle);
}

Result<> Database::run_script(const std::string& script) {
  return run_text(*connection_, script.c_str());
}

Result<Transaction> Database::begin() {
  TRY_VOID(run_text(*connection_, "BEGIN IMMEDIATE"));
  return Transaction(connection_.get());
}

Result<Transaction> Database::begin_reading() {
  TRY_VOID(run_text(*connection_, "BEGIN"));
  return Transaction(connection_.get());
}

Result<> Database::migrate(std::span<const char* const> steps) {
  std::size_t version = 0;
  {
    TRY_ASSIGN(Statement row, query("PRAGMA user_version"));
    TRY_ASSIGN(const bool any, row.step());
    version = any ? static_cast<std::size_t>(row.integer(0)) : 0;
  }
  if (version > steps.size())
    return fail(ErrorCode::bad_file, kOrigin,
                "{} was written by a newer version (format {}, this program knows up to {}); "
                "update the program",
                path().string(), version, steps.size());
  for (; version < steps.size(); ++version) TRY_VOID(migrate_one(steps[version], version));
  return {};
}

Result<> Database::migrate_one(const char* step, std::size_t version) {
  TRY_ASSIGN(Transaction transaction, begin());
  {  // Another program may have been faster while this one waited for the lock.
    TRY_ASSIGN(Statement row, query("PRAGMA user_version"));
    TRY_ASSIGN(const bool any, row.step());
    if (any && row.integer(0) > static_cast<std::int64_t>(version)) return {};
  }
  TRY_VOID(run_text(*connection_, step));
  TRY_VOID(run_text(*connection_, fmt::format("PRAGMA user_version = {}", version + 1).c_str()));
  return transaction.commit();
}

std::int64_t Database::last_id() const { return sqlite3_last_insert_rowid(connection_->handle); }

const fs::path& Database::path() const { return connection_->path; }

}  // namespace invokeai::sql
