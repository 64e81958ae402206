#pragma once
// Writes a large file piece by piece; it appears under its name only when complete.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"

namespace invokeai::models {

/// A temporary file beside `path` until commit(); removed again if that is never reached.
class AtomicWriter {
 public:
  static Result<AtomicWriter> open(const fs::path& path);
  AtomicWriter(AtomicWriter&& other) noexcept;
  AtomicWriter& operator=(AtomicWriter&&) = delete;
  ~AtomicWriter();

  /// Appends. Errors: disk_full, io.
  Result<> write(std::span<const std::uint8_t> bytes);
  Result<> write(std::string_view text);
  /// Overwrites bytes that were appended before.
  Result<> patch(std::uint64_t offset, std::string_view bytes);
  /// Bytes appended so far.
  std::uint64_t position() const { return position_; }
  /// Flushes to the disk and renames over `path`.
  Result<> commit();

 private:
  AtomicWriter() = default;
  Result<> flush();
  Result<> put(std::string_view bytes, std::uint64_t offset);
  tl::unexpected<Error> failure(const char* what) const;

  fs::path path_;
  std::string temporary_;
  std::string buffer_;  ///< appended, not yet written
  std::uint64_t position_ = 0;
  int fd_ = -1;
};

}  // namespace invokeai::models
