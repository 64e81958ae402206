#include "jobs/internal/notes.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "jobs/internal/frames.h"

namespace invokeai::jobs {
namespace {

fs::path note_path(const fs::path& folder, const std::string& job, int index) {
  return folder / fmt::format("{}-{}.json", job, index);
}

/// A file is known by these, whatever it is called.
struct Identity {
  std::uint64_t device = 0, inode = 0;
  bool operator==(const Identity&) const = default;
};

std::optional<Identity> identity_of(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return std::nullopt;
  return Identity{static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino)};
}

void remove_if_ours(const fs::path& path, const Identity& file) {
  if (identity_of(path) == file) ::unlink(path.c_str());
}

std::vector<fs::path> notes_of(const fs::path& folder, const std::string& job) {
  std::vector<fs::path> notes;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().filename().string().starts_with(job + "-")) notes.push_back(entry->path());
  std::ranges::sort(notes);
  return notes;
}

}  // namespace

Result<> write_note(const fs::path& folder, const std::string& job, const PictureResult& picture,
                    const fs::path& temporary) {
  const auto file = identity_of(temporary);
  if (!file)
    return fail(ErrorCode::io, "worker", "the picture {} vanished before it got its name",
                temporary.string());
  Json note = to_json(picture);
  note["temporary"] = temporary.string();
  note["device"] = file->device;
  note["inode"] = file->inode;
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  return write_file_atomically(note_path(folder, job, picture.index),
                               note.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void remove_note(const fs::path& folder, const std::string& job, int index) {
  ::unlink(note_path(folder, job, index).c_str());
}

Result<std::vector<PictureResult>> settle_notes(const fs::path& folder, JobQueue& queue,
                                                const Lease& lease) {
  remove_unfinished_files(folder);
  std::vector<PictureResult> recorded;
  for (const fs::path& path : notes_of(folder, lease.job.id)) {
    const auto text = read_file(path);
    const Json note = text ? Json::parse(*text, nullptr, /*allow_exceptions=*/false) : Json();
    if (note.is_object() && note.contains("inode") && note.contains("device")) {
      const Identity file{note.value("device", std::uint64_t{0}),
                          note.value("inode", std::uint64_t{0})};
      const PictureResult picture = picture_from(note);
      if (identity_of(picture.path) == file) {
        TRY_ASSIGN(const Recording recording, queue.record(lease, picture));
        if (recording == Recording::lease_lost) return recorded;  // its new owner does the rest
        if (recording == Recording::recorded) recorded.push_back(picture);
        if (recording == Recording::known_already) {
          TRY_ASSIGN(const std::vector<PictureResult> known, queue.results(lease.job.id));
          if (std::ranges::none_of(known, [&](const auto& k) { return k.path == picture.path; }))
            remove_if_ours(picture.path, file);
        }
      }
      remove_if_ours(note.value("temporary", std::string()), file);
    }
    ::unlink(path.c_str());
  }
  return recorded;
}

}  // namespace invokeai::jobs
