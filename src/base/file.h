#pragma once
// Files: whole reads, memory maps, and writes that either happen completely or not at all.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace invokeai {

namespace fs = std::filesystem;

/// Whole content of a regular file. Errors: not_found, io, bad_file when larger than `limit` bytes.
Result<std::string> read_file(const fs::path& path, std::size_t limit = std::size_t{1} << 31);

/// Writes through a temporary file in the same folder, fsync and rename: afterwards `path` holds
/// either the old content or all of the new one. `permissions`: less what the umask takes; 0600 for
/// secrets. Errors: disk_full, io (with the system's reason).
Result<> write_file_atomically(const fs::path& path, std::string_view bytes,
                               unsigned permissions = 0666);

/// A free name for a file of this folder that is not complete yet. It is hidden, and says which
/// process writes it.
fs::path unfinished_name(const fs::path& folder);

/// Removes what stands under an unfinished_name() in the folder and will never be finished: its
/// process has ended, or (on another machine, where that cannot be seen) did not write into it for
/// a day.
void remove_unfinished_files(const fs::path& folder);

/// Read-only memory map of a whole file; pages are loaded when touched and shared between processes.
class MappedFile {
 public:
  static Result<std::shared_ptr<const MappedFile>> open(const fs::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::uint8_t> bytes() const { return {data_, size_}; }
  const fs::path& path() const { return path_; }
  bool holds(std::span<const std::uint8_t> part) const {
    return !part.empty() && part.data() >= data_ && part.data() + part.size() <= data_ + size_;
  }
  /// Stops counting the whole pages of this part as memory of the process. They stay readable: the
  /// next use takes them from the system's file cache again.
  void give_back(std::span<const std::uint8_t> part) const;

 private:
  MappedFile() = default;
  fs::path path_;
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Lower-case hex SHA-256 of the bytes.
std::string sha256_hex(std::span<const std::uint8_t> bytes);

}  // namespace invokeai
