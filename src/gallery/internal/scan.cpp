#include "gallery/internal/scan.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/ids.h"
#include "base/settings.h"

namespace invokeai::gallery {
namespace {

bool is_hidden(const fs::path& name) { return name.string().starts_with('.'); }

tl::unexpected<Error> cannot(const char* what, const fs::path& path, const std::error_code& error) {
  return fail(error == std::errc::no_such_file_or_directory ? ErrorCode::not_found
              : error == std::errc::no_space_on_device      ? ErrorCode::disk_full
                                                            : ErrorCode::io,
              "gallery", "cannot {} {}: {}", what, path.string(), error.message());
}

/// The only picture below an entry of the bin.
std::string picture_in(const fs::path& entry) {
  std::error_code error;
  for (fs::recursive_directory_iterator file(entry, error), end; !error && file != end;
       file.increment(error))
    if (file->is_regular_file(error))
      return file->path().lexically_relative(entry).generic_string();
  return {};
}

}  // namespace

Result<fs::path> checked_path(const fs::path& root, const std::string& path) {
  const fs::path relative(path);
  const bool inside = !path.empty() && relative.is_relative() && path.find('\0') == path.npos &&
                      path.find('\\') == path.npos &&
                      std::ranges::none_of(relative, [](const fs::path& part) {
                        return part.empty() || is_hidden(part);
                      });
  if (!inside)
    return fail(ErrorCode::invalid_argument, "gallery", "{} is no path within the gallery",
                shown(path));
  return root / relative;
}

bool is_picture_name(const fs::path& path) {
  std::string suffix = path.extension().string();
  std::ranges::transform(suffix, suffix.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return suffix == ".png" || suffix == ".jpg" || suffix == ".jpeg" || suffix == ".webp";
}

Result<> scan_pictures(const fs::path& root, const std::string& start,
                       const std::function<void(const std::string& path)>& found) {
  const fs::path top = start.empty() ? root : root / start;
  std::error_code error;
  const fs::file_status status = fs::symlink_status(top, error);
  if (fs::is_regular_file(status)) {
    if (is_picture_name(top) && !is_hidden(top.filename())) found(start);
    return {};
  }
  if (!start.empty() && !fs::is_directory(status)) return {};  // gone
  fs::recursive_directory_iterator entry(top, fs::directory_options::skip_permission_denied, error);
  if (error) return cannot("list", top, error);
  for (; entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const fs::path name = entry->path().filename();
    const bool thumbnails = name == "thumbnails" && entry->path().parent_path() == root;
    if (is_hidden(name) || thumbnails) {
      entry.disable_recursion_pending();
    } else if (is_picture_name(name) && fs::is_regular_file(entry->symlink_status(error))) {
      found(entry->path().lexically_relative(root).generic_string());
    }
  }
  if (error) return cannot("list", top, error);
  return {};
}

PictureKind kind_of(const std::string& path, bool grid) {
  const std::string folder = path.substr(0, path.find('/'));
  if (folder == "init-images") return PictureKind::upload;
  if (folder == "mask-images") return PictureKind::mask;
  if (folder == "intermediates") return PictureKind::intermediate;
  if (folder == "temp-images") return PictureKind::temporary;
  return grid ? PictureKind::grid : PictureKind::result;
}

Result<BinEntry> move_to_bin(const fs::path& root, const fs::path& bin, const std::string& path) {
  BinEntry entry{new_id(), path};
  const fs::path target = bin / entry.id / path;
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  if (error) return cannot("make the folder", target.parent_path(), error);
  fs::rename(root / path, target, error);
  if (!error) return entry;
  std::error_code ignored;
  fs::remove_all(bin / entry.id, ignored);
  return cannot("delete", root / path, error);
}

Result<std::vector<BinEntry>> list_bin(const fs::path& bin) {
  std::vector<BinEntry> entries;
  std::error_code error;
  fs::directory_iterator entry(bin, error);
  if (error == std::errc::no_such_file_or_directory) return entries;
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    if (std::string path = picture_in(entry->path()); !path.empty())
      entries.push_back({entry->path().filename().string(), std::move(path)});
  if (error) return cannot("list", bin, error);
  std::ranges::sort(entries, std::greater(), &BinEntry::id);
  return entries;
}

Result<BinEntry> move_from_bin(const fs::path& root, const fs::path& bin, const std::string& id) {
  TRY_VOID(checked_path(bin, id));
  const std::string path = id.find('/') == id.npos ? picture_in(bin / id) : std::string();
  if (path.empty()) return fail(ErrorCode::not_found, "gallery", "the bin holds no {}", shown(id));
  const fs::path from = bin / id / path, target = root / path;
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  if (error) return cannot("make the folder", target.parent_path(), error);
  // A second name first: unlike rename it never replaces another file.
  if (::link(from.c_str(), target.c_str()) != 0) {
    if (errno == EEXIST || fs::exists(target, error))
      return fail(ErrorCode::invalid_argument, "gallery",
                  "{} exists again; rename that file, then restore this one", target.string());
    fs::rename(from, target, error);
    if (error) return cannot("restore", target, error);
  }
  fs::remove_all(bin / id, error);
  return BinEntry{id, path};
}

}  // namespace invokeai::gallery
