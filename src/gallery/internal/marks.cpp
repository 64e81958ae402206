#include "gallery/internal/marks.h"

#include "base/command_line.h"
#include "base/ids.h"
#include "base/settings.h"

namespace invokeai::gallery {
namespace {

constexpr const char* kSteps[] = {R"sql(
  CREATE TABLE boards (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE);
  CREATE TABLE marks (
    path TEXT NOT NULL, fingerprint TEXT NOT NULL, starred INTEGER NOT NULL, board TEXT,
    PRIMARY KEY (path, fingerprint)) WITHOUT ROWID;
  CREATE INDEX marks_by_fingerprint ON marks (fingerprint);
)sql"};

}  // namespace

Result<Marks> Marks::open(const fs::path& file) {
  TRY_ASSIGN(sql::Database database, sql::Database::open(file));
  TRY_VOID(database.migrate(kSteps));
  return Marks(std::move(database));
}

Result<Mark> Marks::find(const fs::path& root, const std::string& path,
                         const std::string& fingerprint) {
  struct Row {
    std::string path, fingerprint;
    Mark mark;
  };
  std::optional<Row> best;
  {
    TRY_ASSIGN(sql::Statement row,
               database_.query("SELECT path, fingerprint, starred, board FROM marks WHERE "
                               "fingerprint = ?1 OR path = ?2 ORDER BY path = ?2 AND fingerprint = "
                               "?1 DESC, fingerprint = ?1 DESC",
                               fingerprint, path));
    while (!best) {
      TRY_ASSIGN(const bool more, row.step());
      if (!more) return Mark{};
      Row found{row.text(0), row.text(1), {row.integer(2) != 0, row.text(3)}};
      // The same picture under another name that is still there is a copy: it keeps its own mark.
      std::error_code ignored;
      if (found.path == path || !fs::exists(root / found.path, ignored)) best = std::move(found);
    }
  }
  if (best->path != path || best->fingerprint != fingerprint) {
    TRY_VOID(database_.run("DELETE FROM marks WHERE path = ? AND fingerprint = ?", best->path,
                           best->fingerprint));
    TRY_VOID(set(path, fingerprint, best->mark));
  }
  return best->mark;
}

Result<> Marks::set(const std::string& path, const std::string& fingerprint, const Mark& mark) {
  if (!mark.starred && mark.board.empty()) return forget(path);
  TRY_VOID(database_.run("INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?)", path, fingerprint,
                         int(mark.starred),
                         mark.board.empty() ? std::nullopt : std::optional(mark.board)));
  return {};
}

Result<> Marks::forget(const std::string& path) {
  TRY_VOID(database_.run("DELETE FROM marks WHERE path = ?", path));
  return {};
}

Result<std::vector<Board>> Marks::boards() {
  TRY_ASSIGN(sql::Statement row, database_.query("SELECT id, name FROM boards ORDER BY name"));
  std::vector<Board> boards;
  while (true) {
    TRY_ASSIGN(const bool more, row.step());
    if (!more) return boards;
    boards.push_back({row.text(0), row.text(1), 0});
  }
}

Result<Board> Marks::board(const std::string& id) {
  TRY_ASSIGN(sql::Statement row, database_.query("SELECT name FROM boards WHERE id = ?", id));
  TRY_ASSIGN(const bool any, row.step());
  if (!any) return fail(ErrorCode::not_found, "gallery", "there is no board {}", shown(id));
  return Board{id, row.text(0), 0};
}

Result<> Marks::check_name(const std::string& name, const std::string& own_id) {
  if (strip_blanks(name).empty())
    return fail(ErrorCode::invalid_argument, "gallery", "a board needs a name");
  TRY_ASSIGN(sql::Statement row,
             database_.query("SELECT 1 FROM boards WHERE name = ? AND id <> ?", name, own_id));
  TRY_ASSIGN(const bool taken, row.step());
  if (taken)
    return fail(ErrorCode::invalid_argument, "gallery", "there is a board called {} already",
                shown(name));
  return {};
}

Result<Board> Marks::create_board(const std::string& name) {
  TRY_VOID(check_name(name, ""));
  Board board{new_id(), name, 0};
  TRY_VOID(database_.run("INSERT INTO boards VALUES (?, ?)", board.id, name));
  return board;
}

Result<> Marks::rename_board(const std::string& id, const std::string& name) {
  TRY_VOID(board(id));
  TRY_VOID(check_name(name, id));
  TRY_VOID(database_.run("UPDATE boards SET name = ? WHERE id = ?", name, id));
  return {};
}

Result<> Marks::delete_board(const std::string& id) {
  TRY_VOID(board(id));
  TRY_ASSIGN(sql::Transaction transaction, database_.begin());
  TRY_VOID(database_.run("DELETE FROM boards WHERE id = ?", id));
  TRY_VOID(database_.run("UPDATE marks SET board = NULL WHERE board = ?", id));
  TRY_VOID(database_.run("DELETE FROM marks WHERE starred = 0 AND board IS NULL"));
  return transaction.commit();
}

}  // namespace invokeai::gallery
