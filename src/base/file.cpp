#include "base/file.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "base/process.h"

namespace invokeai {
namespace {

constexpr std::string_view kUnfinished = ".part-";

std::string reason(int error) { return std::generic_category().message(error); }

ErrorCode code_for(int error) {
  if (error == ENOSPC || error == EDQUOT) return ErrorCode::disk_full;
  if (error == ENOENT || error == ENOTDIR) return ErrorCode::not_found;
  return ErrorCode::io;
}

/// Closes its descriptor when it goes out of scope.
struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Result<std::size_t> regular_file_size(int fd, const fs::path& path) {
  struct stat info{};
  if (::fstat(fd, &info) != 0)
    return fail(ErrorCode::io, "file.read", "cannot inspect {}: {}", path.string(), reason(errno));
  if (!S_ISREG(info.st_mode))
    return fail(ErrorCode::bad_file, "file.read", "{} is not a regular file", path.string());
  return static_cast<std::size_t>(info.st_size);
}

}  // namespace

Result<std::string> read_file(const fs::path& path, std::size_t limit) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0)
    return fail(code_for(errno), "file.read", "cannot open {}: {}", path.string(), reason(errno));
  TRY_ASSIGN(const std::size_t size, regular_file_size(file.fd, path));
  if (size > limit)
    return fail(ErrorCode::bad_file, "file.read", "{} has {} bytes, at most {} are accepted here",
                path.string(), size, limit);
  std::string content(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file.fd, content.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail(ErrorCode::io, "file.read", "cannot read {}: {}", path.string(), reason(errno));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  content.resize(done);
  return content;
}

Result<> write_file_atomically(const fs::path& path, std::string_view bytes, unsigned permissions) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  // A name of our own and O_EXCL rather than mkstemp: so the file gets the usual permissions
  // without touching the umask, which belongs to all threads.
  const std::string temporary = unfinished_name(folder).string();
  Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions)};
  if (file.fd < 0)
    return fail(code_for(errno), "file.write", "cannot write into {}: {}", folder.string(),
                reason(errno));
  const auto give_up = [&](const char* what) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return fail(code_for(error), "file.write", "cannot {} {}: {}", what, path.string(),
                reason(error));
  };
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put = ::write(file.fd, bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return give_up("write");
    done += static_cast<std::size_t>(put);
  }
  if (::fsync(file.fd) != 0) return give_up("flush");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return give_up("name");
  return {};
}

fs::path unfinished_name(const fs::path& folder) {
  static std::atomic<unsigned> counter{0};
  return folder / fmt::format("{}{}.{}", kUnfinished, process_mark(), counter.fetch_add(1));
}

void remove_unfinished_files(const fs::path& folder) {
  std::error_code error, ignored;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(kUnfinished)) continue;
    const std::string_view rest = std::string_view(name).substr(kUnfinished.size());
    const auto age = fs::file_time_type::clock::now() - entry->last_write_time(ignored);
    if (!mark_may_be_running(rest.substr(0, rest.find('.'))) ||
        (!ignored && age > std::chrono::hours(24)))
      ::unlink(entry->path().c_str());
  }
}

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const fs::path& path) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0)
    return fail(code_for(errno), "file.map", "cannot open {}: {}", path.string(), reason(errno));
  TRY_ASSIGN(const std::size_t size, regular_file_size(file.fd, path));
  std::shared_ptr<MappedFile> mapped(new MappedFile());
  mapped->path_ = path;
  mapped->size_ = size;
  if (size > 0) {
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (data == MAP_FAILED)
      return fail(ErrorCode::io, "file.map", "cannot map {}: {}", path.string(), reason(errno));
    mapped->data_ = static_cast<const std::uint8_t*>(data);
  }
  return std::shared_ptr<const MappedFile>(std::move(mapped));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

void MappedFile::give_back(std::span<const std::uint8_t> part) const {
  INVOKEAI_CHECK(holds(part));
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<std::uintptr_t>(part.data());
  const std::uintptr_t first = (start + page - 1) / page * page;
  const std::uintptr_t last = (start + part.size()) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

std::string sha256_hex(std::span<const std::uint8_t> bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(bytes.data(), bytes.size(), digest);
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace invokeai
