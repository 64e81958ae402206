#pragma once
// SQLite with values for errors: open, prepared statements, transactions, migrations.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/file.h"
#include "base/result.h"

struct sqlite3_stmt;

namespace invokeai::sql {

namespace internal {
struct Connection;
}

enum class Access { read_write, read_only };

struct DatabaseOptions {
  Access access = Access::read_write;  ///< read_write makes the file when there is none
  int busy_milliseconds = 5000;        ///< how long to wait for another program's lock
  bool synced = true;  ///< a commit reaches the disk before it returns; false: only survives
                       ///< crashes of programs, which is enough for what can be rebuilt
};

using Value = std::variant<std::int64_t, std::string>;

/// A running query. Columns are numbered from 0. Must not outlive its database; returns the
/// prepared statement to the database's cache when it goes.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// The next row: false when there is none.
  Result<bool> step();

  bool is_null(int column) const;
  std::int64_t integer(int column) const;  ///< 0 for NULL
  double real(int column) const;           ///< 0 for NULL
  std::string text(int column) const;      ///< empty for NULL
  std::optional<std::int64_t> maybe_integer(int column) const;
  std::optional<std::string> maybe_text(int column) const;

 private:
  friend class Database;
  Statement(internal::Connection* connection, sqlite3_stmt* statement)
      : connection_(connection), statement_(statement) {}
  Result<> bind(int index, std::nullptr_t);
  Result<> bind(int index, std::int64_t value);
  Result<> bind(int index, double value);
  Result<> bind(int index, std::string_view value);
  template <class T>
  Result<> bind(int index, const std::optional<T>& value) {
    return value ? bind(index, *value) : bind(index, nullptr);
  }
  template <class T>
  requires std::is_integral_v<T> Result<> bind(int index, T value) {
    return bind(index, static_cast<std::int64_t>(value));
  }
  Result<> bind(int index, const char* value) { return bind(index, std::string_view(value)); }
  Result<> bind(int index, const std::string& value) {
    return bind(index, std::string_view(value));
  }

  internal::Connection* connection_;
  sqlite3_stmt* statement_;
};

/// Undone when it goes without commit(). Must not outlive its database.
class Transaction {
 public:
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<> commit();

 private:
  friend class Database;
  explicit Transaction(internal::Connection* connection) : connection_(connection) {}
  internal::Connection* connection_;
};

/// One connection, for one thread at a time: who shares it guards it with a mutex. Other
/// connections to the same file may read while one writes (write-ahead log).
/// Errors of all calls: io (locked by another program, read-only, unreadable), disk_full,
/// bad_file (no database, damaged, of a newer version), out_of_memory, internal (a mistake in the
/// statement); each names the file.
class Database {
 public:
  /// Opens the file; its folder is made when it is opened for writing.
  static Result<Database> open(const fs::path& path, const DatabaseOptions& options = {});
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// A statement with its `?` filled in, in order: integers, doubles, texts, optionals, nullptr.
  template <class... Values>
  Result<Statement> query(std::string_view statement, const Values&... values) {
    TRY_ASSIGN(Statement prepared, prepare(statement));
    [[maybe_unused]] int index = 0;
    Result<> bound;
    ((bound = bound ? prepared.bind(++index, values) : std::move(bound)), ...);
    if (!bound) return tl::make_unexpected(std::move(bound).error());
    return prepared;
  }

  /// The same for a statement put together at run time.
  Result<Statement> query_with(std::string_view statement, std::span<const Value> values);

  /// Runs one statement to its end. Returns the number of rows it changed.
  template <class... Values>
  Result<std::int64_t> run(std::string_view statement, const Values&... values) {
    TRY_ASSIGN(Statement prepared, query(statement, values...));
    return finish(prepared);
  }

  /// Several statements without values and results.
  Result<> run_script(const std::string& script);

  /// A transaction that writes (BEGIN IMMEDIATE): others wait until it has ended.
  Result<Transaction> begin();
  /// One that only reads: all its queries see the file as it is at the first of them. Just let it
  /// go.
  Result<Transaction> begin_reading();

  /// Brings the file to version steps.size() (PRAGMA user_version): step i leads from version i to
  /// i+1, each in its own transaction. Errors: also bad_file when the file is of a later version.
  Result<> migrate(std::span<const char* const> steps);

  std::int64_t last_id() const;  ///< rowid of the last INSERT
  const fs::path& path() const;

 private:
  explicit Database(std::unique_ptr<internal::Connection> connection);
  Result<Statement> prepare(std::string_view statement);
  Result<std::int64_t> finish(Statement& statement);
  Result<> migrate_one(const char* step, std::size_t version);
  std::unique_ptr<internal::Connection> connection_;
};

}  // namespace invokeai::sql
