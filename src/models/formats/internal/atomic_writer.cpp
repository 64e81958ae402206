#include "models/formats/internal/atomic_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "models/formats/internal/bytes.h"

namespace invokeai::models {
namespace {

constexpr std::size_t kBufferSize = 1 << 20;

}  // namespace

Result<AtomicWriter> AtomicWriter::open(const fs::path& path) {
  AtomicWriter writer;
  writer.path_ = path;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  remove_unfinished_files(folder);  // these may have the size of models
  std::string temporary = unfinished_name(folder).string();
  writer.fd_ = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (writer.fd_ < 0) return writer.failure("create");
  writer.temporary_ = std::move(temporary);
  return writer;
}

AtomicWriter::AtomicWriter(AtomicWriter&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      buffer_(std::move(other.buffer_)),
      position_(other.position_),
      fd_(std::exchange(other.fd_, -1)) {}

AtomicWriter::~AtomicWriter() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

tl::unexpected<Error> AtomicWriter::failure(const char* what) const {
  const int error = errno;
  const ErrorCode code = error == ENOSPC || error == EDQUOT    ? ErrorCode::disk_full
                         : error == ENOENT || error == ENOTDIR ? ErrorCode::not_found
                                                               : ErrorCode::io;
  return fail(code, "model.write", "cannot {} {} at byte {}: {}", what, path_.string(), position_,
              std::generic_category().message(error));
}

Result<> AtomicWriter::put(std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failure("write");
    bytes.remove_prefix(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  return {};
}

Result<> AtomicWriter::flush() {
  TRY_VOID(put(buffer_, position_ - buffer_.size()));
  buffer_.clear();
  return {};
}

Result<> AtomicWriter::write(std::string_view text) {
  if (buffer_.size() + text.size() > kBufferSize) TRY_VOID(flush());
  if (text.size() >= kBufferSize) {
    TRY_VOID(put(text, position_));
  } else {
    buffer_ += text;
  }
  position_ += text.size();
  return {};
}

Result<> AtomicWriter::write(std::span<const std::uint8_t> bytes) { return write(as_text(bytes)); }

Result<> AtomicWriter::patch(std::uint64_t offset, std::string_view bytes) {
  INVOKEAI_CHECK(offset + bytes.size() <= position_);
  const std::uint64_t written = position_ - buffer_.size();
  if (offset < written && offset + bytes.size() > written) TRY_VOID(flush());
  if (offset + bytes.size() <= position_ - buffer_.size()) return put(bytes, offset);
  buffer_.replace(offset - (position_ - buffer_.size()), bytes.size(), bytes);
  return {};
}

Result<> AtomicWriter::commit() {
  TRY_VOID(flush());
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (::fchmod(fd_, 0666 & ~mask) != 0) return failure("set the permissions of");
  if (::fsync(fd_) != 0) return failure("flush");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failure("name");
  temporary_.clear();
  return {};
}

}  // namespace invokeai::models
