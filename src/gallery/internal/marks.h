#pragma once
// Stars and boards: what only the user knows of a picture.

#include "base/sqlite.h"
#include "gallery/index.h"

namespace invokeai::gallery {

struct Mark {
  bool starred = false;
  std::string board;
};

/// Kept by path and fingerprint. A picture that was renamed is known by its fingerprint, one that
/// was edited in place by its path. One thread at a time.
class Marks {
 public:
  static Result<Marks> open(const fs::path& file);

  /// The mark of a file as it is now; a mark that followed it is written under its new key.
  ///   root  where paths lie, to see whether the file that had the mark is still there
  Result<Mark> find(const fs::path& root, const std::string& path, const std::string& fingerprint);
  /// An empty mark is forgotten.
  Result<> set(const std::string& path, const std::string& fingerprint, const Mark& mark);
  Result<> forget(const std::string& path);

  Result<std::vector<Board>> boards();
  Result<Board> board(const std::string& id);
  Result<Board> create_board(const std::string& name);
  Result<> rename_board(const std::string& id, const std::string& name);
  Result<> delete_board(const std::string& id);

 private:
  explicit Marks(sql::Database database) : database_(std::move(database)) {}
  Result<> check_name(const std::string& name, const std::string& own_id);
  sql::Database database_;
};

}  // namespace invokeai::gallery
