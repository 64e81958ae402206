#pragma once
// Zip archives read in place. An own reader because torch's archives hold gigabytes of stored (not
// compressed) members that are to be used where they lie in the file mapping, and the usual
// libraries hand out copies, never addresses.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/formats/tensor_source.h"

namespace invokeai::models {

struct ZipMember {
  std::string name;
  std::uint64_t size = 0;           ///< bytes of content
  std::uint64_t stored_size = 0;    ///< bytes in the file
  std::uint64_t header_offset = 0;  ///< of the local header
  std::uint64_t limit = 0;          ///< where the next member, or the directory, begins
  std::uint32_t crc = 0;
  std::uint16_t method = 0;  ///< 0 stored, 8 deflated
};

/// Content of a member: part of the mapping when stored, else a buffer of its own.
struct ZipContent {
  std::span<const std::uint8_t> bytes;
  std::shared_ptr<const void> owner;
  std::uint64_t file_offset = 0;  ///< of the stored bytes
};

class ZipArchive {
 public:
  /// Reads the central directory, zip64 included. Sizes are taken from there only, since local
  /// headers may leave them out. Members must not overlap, leave the file or have names that climb
  /// out of a folder; names are unique.
  /// Errors: bad_file (what, at which byte), unsupported (encryption, several disks).
  static Result<ZipArchive> open(std::span<const std::uint8_t> bytes,
                                 std::shared_ptr<const void> owner, std::string name);

  /// In the order of the directory.
  const std::vector<ZipMember>& members() const { return members_; }
  const ZipMember* find(const std::string& name) const;

  enum class Check { none, crc };
  /// A deflated member is always checked against its CRC, a stored one only when asked for (it
  /// costs reading it all). What is inflated is bounded per member and for the whole archive, so
  /// that a small file cannot fill the memory. Errors: bad_file, unsupported (method),
  /// out_of_memory.
  Result<ZipContent> read(const ZipMember& member, Check check);

 private:
  Result<ZipContent> inflate(const ZipMember& member, ZipContent packed);
  template <class... Args>
  tl::unexpected<Error> bad(std::uint64_t at, fmt::format_string<Args...> format,
                            Args&&... args) const;
  struct Directory {
    std::uint64_t offset = 0, size = 0, entries = 0;
  };
  Result<std::uint64_t> find_end() const;
  Result<Directory> find_directory() const;
  Result<Directory> zip64_directory(std::uint64_t locator) const;
  Result<> read_directory(const Directory& directory);
  Result<ZipMember> member_at(std::uint64_t at, std::uint64_t end, std::uint64_t& next) const;
  Result<> read_zip64_extra(std::uint64_t at, std::span<const std::uint8_t> extra,
                            ZipMember& member) const;
  Result<> check_overlaps(std::uint64_t directory_offset);

  std::span<const std::uint8_t> bytes_;
  std::shared_ptr<const void> owner_;
  std::string name_;
  std::vector<ZipMember> members_;
  std::map<std::string, std::size_t> by_name_;
  std::uint64_t inflated_ = 0;
};

}  // namespace invokeai::models
