#pragma once
// Which pictures exist. The files with their metadata are the truth; a SQLite index, which can be
// made again at any time, finds them quickly. Stars and boards, which no file holds, have a small
// database of their own and follow a picture that is renamed or edited.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.h"
#include "base/file.h"
#include "base/result.h"
#include "base/subscribers.h"

namespace invokeai::gallery {

/// Told by the folder below the gallery's root (web spec 1.1), grids by their metadata.
enum class PictureKind { result, grid, upload, mask, intermediate, temporary };

const char* picture_kind_name(PictureKind kind);
std::optional<PictureKind> picture_kind_from(std::string_view name);

struct PictureEntry {
  std::string path;  ///< below the root, with /
  PictureKind kind = PictureKind::result;
  std::int64_t created = 0;            ///< microseconds since 1970: when the file was last written
  int width = 0;                       ///< pixels
  int height = 0;                      ///< pixels
  std::string model, sampler, prompt;  ///< empty: unknown
  std::optional<std::int64_t> seed, steps;
  bool starred = false;
  std::string board;  ///< id; empty: none
};

/// A place in the order by date. Pictures of the same moment are told apart by their path.
struct GalleryCursor {
  std::int64_t created = 0;
  std::string path = {};
};

struct GalleryFilter {
  std::optional<PictureKind> kind = {};
  std::string model = {};  ///< empty: any; so the next
  std::string sampler = {};
  std::optional<int> width = {};
  std::optional<int> height = {};
  bool starred = false;     ///< only those
  std::string board = {};   ///< id
  std::string search = {};  ///< words (or their beginnings) that all stand in the prompt
};

struct PageRequest {
  GalleryFilter filter = {};
  std::optional<GalleryCursor> older_than = {};
  std::optional<GalleryCursor> newer_than = {};
  int skip = 0;  ///< this many after the cursor are left out
  int limit = 50;
};

struct GalleryPage {
  std::vector<PictureEntry> pictures;  ///< newest first
  bool more = false;                   ///< there are others beyond, in the direction asked for
};

struct Board {
  std::string id;
  std::string name;
  std::int64_t pictures = 0;
};

/// A deleted picture.
struct BinEntry {
  std::string id;    ///< sorts by time of deletion
  std::string path;  ///< where it was
};

struct IndexReport {
  std::int64_t added = 0, changed = 0, removed = 0, unchanged = 0;
  std::vector<std::string> problems;  ///< one line each; files that are no pictures after all
};

struct GalleryPaths {
  fs::path root;        ///< the output folder
  fs::path state = {};  ///< databases, bin, thumbnails; empty: .gallery in the root
};

/// Thread-safe; pages can be read while the index is being made. Paths of pictures are always
/// relative to the root; what leads out of it is invalid_argument.
/// Errors of all calls: those of base/sqlite.h; for a picture, board or bin entry that is not there
/// not_found.
class Gallery {
 public:
  /// Errors: also io when the root does not exist.
  static Result<std::unique_ptr<Gallery>> open(const GalleryPaths& paths);
  virtual ~Gallery() = default;

  virtual const fs::path& root() const = 0;
  virtual const fs::path& state() const = 0;

  /// The file of a picture, indexed or not. Errors: not_found also for what is no regular file.
  virtual Result<fs::path> file(const std::string& path) const = 0;

  /// Brings the whole index up to date; unchanged files (date, size, inode) are not opened.
  virtual Result<IndexReport> reindex(const CancelToken& cancel = {}) = 0;
  /// The same for single files and folders.
  virtual Result<IndexReport> update(const std::vector<std::string>& paths) = 0;

  virtual Result<GalleryPage> page(const PageRequest& request) = 0;
  virtual Result<std::int64_t> count(const GalleryFilter& filter) = 0;
  /// A file that is there but not in the index yet, as one just drawn, is taken into it.
  virtual Result<PictureEntry> picture(const std::string& path) = 0;

  virtual Result<> set_starred(const std::string& path, bool starred) = 0;
  virtual Result<std::vector<Board>> boards() = 0;
  /// Errors: also invalid_argument (no name, or another board has it).
  virtual Result<Board> create_board(const std::string& name) = 0;
  virtual Result<> rename_board(const std::string& id, const std::string& name) = 0;
  /// The pictures stay.
  virtual Result<> delete_board(const std::string& id) = 0;
  /// Empty board: off its board.
  virtual Result<> assign(const std::string& path, const std::string& board) = 0;

  /// Moves a picture into the bin.
  virtual Result<BinEntry> remove(const std::string& path) = 0;
  virtual Result<std::vector<BinEntry>> bin() = 0;
  /// Back to where it was, with star and board. Errors: also invalid_argument when another file has
  /// the name now.
  virtual Result<PictureEntry> restore(const std::string& bin_id) = 0;
  /// For good. Returns how many.
  virtual Result<int> empty_bin() = 0;

  /// After every change of the index; see base/subscribers.h.
  [[nodiscard]] std::shared_ptr<void> subscribe(Subscribers<>::Callback callback) {
    return changed_.subscribe(std::move(callback));
  }

 protected:
  Subscribers<> changed_;
};

}  // namespace invokeai::gallery
