#include "gallery/outputs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace invokeai::gallery {
namespace {

constexpr int kMaxTries = 1000;

std::string reason(int error) { return std::generic_category().message(error); }

tl::unexpected<Error> cannot_save(const fs::path& path, int error) {
  if (error == ENOSPC || error == EDQUOT)
    return fail(ErrorCode::disk_full, "gallery.save",
                "no space left for {}; free some and repeat the command", path.string());
  return fail(ErrorCode::io, "gallery.save", "cannot save {}: {}", path.string(), reason(error));
}

Result<> ensure_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  std::error_code ignored;
  if (error && !fs::is_directory(folder, ignored))
    return fail(error == std::errc::no_space_on_device ? ErrorCode::disk_full : ErrorCode::io,
                "gallery.save", "cannot make the folder {}: {}; choose another with --outdir",
                folder.string(), error.message());
  return {};
}

/// New names of a folder reach the disk. Some file systems cannot do that for folders; then the
/// kernel does it within seconds.
void sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

/// Gives the finished file `from` the name `to` unless that is taken. Returns 0 or the errno.
int name_if_free(const fs::path& from, const fs::path& to) {
  if (::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return 0;
  }
  if (errno != EPERM && errno != ENOTSUP && errno != ENOSYS && errno != EMLINK) return errno;
  // No hard links here (FAT, some network folders): reserve the name with an empty file, then
  // replace that.
  const int fd = ::open(to.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (fd < 0) return errno;
  ::close(fd);
  if (::rename(from.c_str(), to.c_str()) == 0) return 0;
  const int error = errno;
  ::unlink(to.c_str());
  return error;
}

Result<> append(const fs::path& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return cannot_save(path, errno);
  // One write per command: O_APPEND then keeps the lines of two programs apart.
  const ssize_t written = ::write(fd, text.data(), text.size());
  const int error = written < 0 ? errno : ENOSPC;
  ::close(fd);
  if (written != static_cast<ssize_t>(text.size())) return cannot_save(path, error);
  return {};
}

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

}  // namespace

Result<bool> write_output(const fs::path& path, std::string_view bytes, Existing existing,
                          const BeforeNaming& before_naming) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  TRY_VOID(ensure_folder(folder));
  // Spares the writing in the usual case; a race is decided by name_if_free() below.
  std::error_code ignored;
  if (existing == Existing::keep && fs::exists(fs::symlink_status(path, ignored))) return false;
  const fs::path temporary = unfinished_name(folder);
  if (auto written = write_file_atomically(temporary, bytes); !written) {
    if (written.error().code == ErrorCode::disk_full) return cannot_save(path, ENOSPC);
    return fail(written.error().code, "gallery.save", "cannot save {}: {}", path.string(),
                written.error().message);
  }
  if (before_naming) {
    if (auto ready = before_naming(temporary, path); !ready) {
      ::unlink(temporary.c_str());
      return tl::make_unexpected(std::move(ready).error());
    }
  }
  const int error = existing == Existing::keep                       ? name_if_free(temporary, path)
                    : ::rename(temporary.c_str(), path.c_str()) == 0 ? 0
                                                                     : errno;
  if (error == 0) {
    sync_folder(folder);
    return true;
  }
  ::unlink(temporary.c_str());
  if (error == EEXIST && existing == Existing::keep) return false;
  return cannot_save(path, error);
}

Result<SavedPicture> save_picture(const PictureName& name, const image::Image& picture,
                                  const image::TextChunks& texts, int compression,
                                  const BeforeNaming& before_naming) {
  TRY_ASSIGN(const std::string bytes, image::encode_png(picture, texts, compression));
  const Existing existing = never_replaces(name.format) ? Existing::keep : Existing::replace;
  NameValues values = name.values;
  std::int64_t prefix = name.prefix;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    values["prefix"] = format_prefix(prefix);
    values["again"] = tries == 0 ? std::string() : fmt::format("-{:02}", tries);
    TRY_ASSIGN(const std::string file, format_name(name.format, values));
    const fs::path path = name.folder / file;
    TRY_ASSIGN(const bool written, write_output(path, bytes, existing, before_naming));
    if (written) return SavedPicture{path, prefix};
    TRY_ASSIGN(const std::int64_t next, next_prefix(name.folder));
    prefix = std::max(prefix + 1, next);
  }
  return fail(ErrorCode::io, "gallery.save", "no free name for \"{}\" in {} after {} tries",
              name.format, name.folder.string(), kMaxTries);
}

Result<> append_log(const fs::path& folder, std::span<const LogEntry> entries) {
  if (entries.empty()) return {};
  TRY_VOID(ensure_folder(folder));
  std::string text, markdown;
  for (const auto& [file, command] : entries) {
    const std::string dream = one_line(command);
    const std::string name = file.filename().string();
    text += fmt::format("{}: {}\n", file.string(), dream);
    markdown += fmt::format("## {0}\n![]({0})\n\n{1}\n", name, dream);
  }
  TRY_VOID(append(folder / "invoke_log.txt", text));
  return append(folder / "invoke_log.md", markdown);
}

}  // namespace invokeai::gallery
