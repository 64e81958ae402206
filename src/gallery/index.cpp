#include "gallery/index.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <unordered_map>

#include "base/settings.h"
#include "gallery/internal/marks.h"
#include "gallery/internal/page_query.h"
#include "gallery/internal/picture_facts.h"
#include "gallery/internal/scan.h"

namespace invokeai::gallery {
namespace {

constexpr std::array kKindNames = {"result", "grid", "upload", "mask", "intermediate", "temporary"};
constexpr std::size_t kBatch = 500;  // pictures a transaction

constexpr const char* kSteps[] = {R"sql(
  CREATE TABLE pictures (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, kind INTEGER NOT NULL,
    created INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, model TEXT NOT NULL,
    sampler TEXT NOT NULL, prompt TEXT NOT NULL, seed INTEGER, steps INTEGER,
    starred INTEGER NOT NULL, board TEXT NOT NULL, fingerprint TEXT NOT NULL,
    modified INTEGER NOT NULL, size INTEGER NOT NULL, inode INTEGER NOT NULL);
  CREATE INDEX by_date ON pictures (created, path);
  CREATE INDEX by_kind ON pictures (kind, created, path);
  CREATE INDEX by_model ON pictures (model, created, path);
  CREATE INDEX by_sampler ON pictures (sampler, created, path);
  CREATE INDEX by_size ON pictures (width, height, created, path);
  CREATE INDEX by_star ON pictures (created, path) WHERE starred = 1;
  CREATE INDEX by_board ON pictures (board, created, path) WHERE board <> '';
  CREATE VIRTUAL TABLE prompts USING fts5 (
    prompt, content = 'pictures', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2');
  CREATE TRIGGER prompt_in AFTER INSERT ON pictures BEGIN
    INSERT INTO prompts (rowid, prompt) VALUES (new.id, new.prompt); END;
  CREATE TRIGGER prompt_out AFTER DELETE ON pictures BEGIN
    INSERT INTO prompts (prompts, rowid, prompt) VALUES ('delete', old.id, old.prompt); END;
  CREATE TRIGGER prompt_changed AFTER UPDATE OF prompt ON pictures BEGIN
    INSERT INTO prompts (prompts, rowid, prompt) VALUES ('delete', old.id, old.prompt);
    INSERT INTO prompts (rowid, prompt) VALUES (new.id, new.prompt); END;
)sql"};

/// A file that is new or has changed, read and ready to be stored.
struct Found {
  std::string path;
  FileStamp stamp;
  PictureFacts facts;
};

using Known = std::unordered_map<std::string, FileStamp>;

class IndexedGallery final : public Gallery {
 public:
  IndexedGallery(GalleryPaths paths, sql::Database writer, sql::Database reader, Marks marks)
      : paths_(std::move(paths)),
        writer_(std::move(writer)),
        marks_(std::move(marks)),
        reader_(std::move(reader)) {}

  const fs::path& root() const override { return paths_.root; }
  const fs::path& state() const override { return paths_.state; }

  Result<fs::path> file(const std::string& path) const override {
    TRY_ASSIGN(fs::path full, checked_path(paths_.root, path));
    if (is_picture_name(full) && stamp_of(full)) return full;
    return fail(ErrorCode::not_found, "gallery", "there is no picture {}", shown(path));
  }

  Result<IndexReport> reindex(const CancelToken& cancel) override {
    return refresh({std::string()}, cancel);
  }
  Result<IndexReport> update(const std::vector<std::string>& paths) override {
    for (const std::string& path : paths) TRY_VOID(checked_path(paths_.root, path));
    return refresh(paths, {});
  }

  Result<GalleryPage> page(const PageRequest& request) override;
  Result<std::int64_t> count(const GalleryFilter& filter) override;
  Result<PictureEntry> picture(const std::string& path) override;

  Result<> set_starred(const std::string& path, bool starred) override {
    return mark(path, [&](Mark& mark) { mark.starred = starred; });
  }
  Result<> assign(const std::string& path, const std::string& board) override {
    if (!board.empty()) {
      const std::lock_guard lock(write_mutex_);
      TRY_VOID(marks_.board(board));
    }
    return mark(path, [&](Mark& mark) { mark.board = board; });
  }

  Result<std::vector<Board>> boards() override;
  Result<Board> create_board(const std::string& name) override {
    return changing([&] { return marks_.create_board(name); });
  }
  Result<> rename_board(const std::string& id, const std::string& name) override {
    return changing([&] { return marks_.rename_board(id, name); });
  }
  Result<> delete_board(const std::string& id) override {
    return changing([&]() -> Result<> {
      TRY_VOID(marks_.delete_board(id));
      TRY_VOID(writer_.run("UPDATE pictures SET board = '' WHERE board = ?", id));
      return {};
    });
  }

  Result<BinEntry> remove(const std::string& path) override;
  Result<std::vector<BinEntry>> bin() override { return list_bin(bin_folder()); }
  Result<PictureEntry> restore(const std::string& bin_id) override;
  Result<int> empty_bin() override;

 private:
  /// What the index knows of it.
  Result<PictureEntry> indexed(const std::string& path);
  fs::path bin_folder() const { return paths_.state / "bin"; }

  template <class Action>
  std::invoke_result_t<Action> changing(Action action) {
    auto result = [&] {
      const std::lock_guard lock(write_mutex_);
      return action();
    }();
    if (result) changed_.notify();
    return result;
  }

  template <class Change>
  Result<> mark(const std::string& path, Change change);
  Result<IndexReport> refresh(const std::vector<std::string>& starts, const CancelToken& cancel);
  Result<Known> known_below(const std::string& start);
  Result<> store(const std::vector<Found>& batch);
  Result<> store_one(const Found& found);
  Result<> forget(const std::vector<std::string>& paths);

  const GalleryPaths paths_;
  std::mutex refresh_mutex_;  // one refresh at a time; taken before write_mutex_
  std::mutex write_mutex_;    // guards writer_ and marks_
  sql::Database writer_;
  Marks marks_;
  std::mutex read_mutex_;  // guards reader_
  sql::Database reader_;
};

Result<GalleryPage> IndexedGallery::page(const PageRequest& request) {
  const Query query = page_query(request);
  const std::lock_guard lock(read_mutex_);
  TRY_ASSIGN(sql::Statement row, reader_.query_with(query.text, query.values));
  GalleryPage page;
  while (true) {
    TRY_ASSIGN(const bool more, row.step());
    if (!more) break;
    page.pictures.push_back(read_entry(row));
  }
  page.more = std::cmp_greater(page.pictures.size(), std::max(0, request.limit));
  if (page.more) page.pictures.pop_back();
  if (request.newer_than && !request.older_than) std::ranges::reverse(page.pictures);
  return page;
}

Result<std::int64_t> IndexedGallery::count(const GalleryFilter& filter) {
  const Query query = count_query(filter);
  const std::lock_guard lock(read_mutex_);
  TRY_ASSIGN(sql::Statement row, reader_.query_with(query.text, query.values));
  TRY_VOID(row.step());
  return row.integer(0);
}

Result<PictureEntry> IndexedGallery::picture(const std::string& path) {
  auto entry = indexed(path);
  if (entry || entry.error().code != ErrorCode::not_found || !file(path)) return entry;
  TRY_VOID(update({path}));
  return indexed(path);
}

Result<PictureEntry> IndexedGallery::indexed(const std::string& path) {
  const std::lock_guard lock(read_mutex_);
  TRY_ASSIGN(sql::Statement row,
             reader_.query("SELECT " PICTURE_COLUMNS " FROM pictures WHERE path = ?", path));
  TRY_ASSIGN(const bool any, row.step());
  if (!any) return fail(ErrorCode::not_found, "gallery", "there is no picture {}", shown(path));
  return read_entry(row);
}

Result<std::vector<Board>> IndexedGallery::boards() {
  const std::lock_guard lock(write_mutex_);
  TRY_ASSIGN(std::vector<Board> boards, marks_.boards());
  for (Board& board : boards) {
    TRY_ASSIGN(
        sql::Statement row,
        writer_.query("SELECT count(*) FROM pictures WHERE board = ? AND board <> ''", board.id));
    TRY_VOID(row.step());
    board.pictures = row.integer(0);
  }
  return boards;
}

/// The mark first: the index can be made again from it.
template <class Change>
Result<> IndexedGallery::mark(const std::string& path, Change change) {
  return changing([&]() -> Result<> {
    std::string fingerprint;
    Mark mark;
    {
      TRY_ASSIGN(
          sql::Statement row,
          writer_.query("SELECT fingerprint, starred, board FROM pictures WHERE path = ?", path));
      TRY_ASSIGN(const bool any, row.step());
      if (!any) return fail(ErrorCode::not_found, "gallery", "there is no picture {}", shown(path));
      fingerprint = row.text(0);
      mark = {row.integer(1) != 0, row.text(2)};
    }
    change(mark);
    TRY_VOID(marks_.set(path, fingerprint, mark));
    TRY_VOID(writer_.run("UPDATE pictures SET starred = ?, board = ? WHERE path = ?",
                         int(mark.starred), mark.board, path));
    return {};
  });
}

/// What the index knows at and below a path.
Result<Known> IndexedGallery::known_below(const std::string& start) {
  const std::lock_guard lock(write_mutex_);
  // '0' is the character after '/', so this is everything that begins with "start/".
  TRY_ASSIGN(sql::Statement row,
             writer_.query("SELECT path, modified, size, inode FROM pictures WHERE ?1 = '' OR path "
                           "= ?1 OR (path >= ?1 || '/' AND path < ?1 || '0')",
                           start));
  Known known;
  while (true) {
    TRY_ASSIGN(const bool more, row.step());
    if (!more) return known;
    known.emplace(row.text(0), FileStamp{row.integer(1), row.integer(2), row.integer(3)});
  }
}

Result<IndexReport> IndexedGallery::refresh(const std::vector<std::string>& starts,
                                            const CancelToken& cancel) {
  const std::lock_guard lock(refresh_mutex_);
  IndexReport report;
  std::vector<Found> batch;
  for (const std::string& start : starts) {
    TRY_ASSIGN(Known known, known_below(start));
    std::vector<std::string> files;
    TRY_VOID(
        scan_pictures(paths_.root, start, [&](const std::string& path) { files.push_back(path); }));
    for (const std::string& path : files) {
      if (cancel.cancelled()) break;
      const auto stamp = stamp_of(paths_.root / path);
      const auto before = known.extract(path);
      if (!stamp || (before && before.mapped() == *stamp)) {
        report.unchanged += stamp ? 1 : 0;
        if (!stamp && before) known.emplace(path, FileStamp{});
        continue;
      }
      auto facts = read_facts(paths_.root / path);
      if (!facts) {
        report.problems.push_back(facts.error().message);
        if (before) known.emplace(path, FileStamp{});
        continue;
      }
      ++(before ? report.changed : report.added);
      batch.push_back({path, *stamp, std::move(*facts)});
      if (batch.size() < kBatch) continue;
      TRY_VOID(store(batch));
      batch.clear();
    }
    if (cancel.cancelled()) break;
    std::vector<std::string> gone;
    for (const auto& [path, stamp] : known) gone.push_back(path);
    // New ones first: a renamed picture takes its mark along before the old path goes.
    TRY_VOID(store(batch));
    batch.clear();
    TRY_VOID(forget(gone));
    report.removed += static_cast<std::int64_t>(gone.size());
  }
  TRY_VOID(store(batch));
  if (report.added + report.changed + report.removed > 0) changed_.notify();
  return report;
}

Result<> IndexedGallery::store(const std::vector<Found>& batch) {
  if (batch.empty()) return {};
  const std::lock_guard lock(write_mutex_);
  TRY_ASSIGN(sql::Transaction transaction, writer_.begin());
  for (const Found& found : batch) TRY_VOID(store_one(found));
  return transaction.commit();
}

Result<> IndexedGallery::store_one(const Found& found) {
  const auto& [path, stamp, facts] = found;
  TRY_ASSIGN(const Mark mark, marks_.find(paths_.root, path, facts.fingerprint));
  TRY_VOID(writer_.run(
      "INSERT INTO pictures (path, kind, created, width, height, model, sampler, prompt, seed, "
      "steps, starred, board, fingerprint, modified, size, inode) VALUES (?, ?, ?, ?, ?, ?, ?, ?, "
      "?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET kind = excluded.kind, created = "
      "excluded.created, width = excluded.width, height = excluded.height, model = "
      "excluded.model, sampler = excluded.sampler, prompt = excluded.prompt, seed = "
      "excluded.seed, steps = excluded.steps, starred = excluded.starred, board = "
      "excluded.board, fingerprint = excluded.fingerprint, modified = excluded.modified, size = "
      "excluded.size, inode = excluded.inode",
      path, int(kind_of(path, facts.grid)), stamp.modified / 1000, facts.width, facts.height,
      facts.model, facts.sampler, facts.prompt, facts.seed, facts.steps, int(mark.starred),
      mark.board, facts.fingerprint, stamp.modified, stamp.size, stamp.inode));
  return {};
}

Result<> IndexedGallery::forget(const std::vector<std::string>& paths) {
  if (paths.empty()) return {};
  const std::lock_guard lock(write_mutex_);
  TRY_ASSIGN(sql::Transaction transaction, writer_.begin());
  for (const std::string& path : paths)
    TRY_VOID(writer_.run("DELETE FROM pictures WHERE path = ?", path));
  return transaction.commit();
}

Result<BinEntry> IndexedGallery::remove(const std::string& path) {
  TRY_VOID(checked_path(paths_.root, path));
  TRY_VOID(picture(path));
  TRY_ASSIGN(BinEntry entry, move_to_bin(paths_.root, bin_folder(), path));
  TRY_VOID(forget({path}));
  changed_.notify();
  return entry;
}

Result<PictureEntry> IndexedGallery::restore(const std::string& bin_id) {
  TRY_ASSIGN(const BinEntry entry, move_from_bin(paths_.root, bin_folder(), bin_id));
  TRY_VOID(update({entry.path}));
  return picture(entry.path);
}

Result<int> IndexedGallery::empty_bin() {
  TRY_ASSIGN(const std::vector<BinEntry> entries, bin());
  const std::lock_guard lock(write_mutex_);
  for (const BinEntry& entry : entries) {
    std::error_code error;
    const bool used_again = fs::exists(paths_.root / entry.path, error);
    fs::remove_all(bin_folder() / entry.id, error);
    if (error)
      return fail(ErrorCode::io, "gallery", "cannot empty the bin {}: {}", bin_folder().string(),
                  error.message());
    if (!used_again) TRY_VOID(marks_.forget(entry.path));
  }
  return static_cast<int>(entries.size());
}

}  // namespace

const char* picture_kind_name(PictureKind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}

std::optional<PictureKind> picture_kind_from(std::string_view name) {
  const auto found = std::ranges::find(kKindNames, name);
  if (found == kKindNames.end()) return std::nullopt;
  return static_cast<PictureKind>(found - kKindNames.begin());
}

Result<std::unique_ptr<Gallery>> Gallery::open(const GalleryPaths& paths) {
  GalleryPaths full = paths;
  std::error_code error;
  if (!fs::is_directory(full.root, error))
    return fail(ErrorCode::not_found, "gallery", "there is no folder {}", full.root.string());
  if (full.state.empty()) full.state = full.root / ".gallery";
  const fs::path index = full.state / "index.db";
  // What can be made again needs no waiting for the disk.
  TRY_ASSIGN(sql::Database writer, sql::Database::open(index, {.synced = false}));
  TRY_VOID(writer.migrate(kSteps));
  TRY_ASSIGN(sql::Database reader, sql::Database::open(index, {.synced = false}));
  TRY_ASSIGN(Marks marks, Marks::open(full.state / "marks.db"));
  return std::make_unique<IndexedGallery>(std::move(full), std::move(writer), std::move(reader),
                                          std::move(marks));
}

}  // namespace invokeai::gallery
