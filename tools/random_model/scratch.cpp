#include "random_model/scratch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace invokeai::random_model {

Result<std::shared_ptr<Scratch>> Scratch::create(const fs::path& folder, std::size_t bytes) {
  const auto failed = [&](int reason) {
    return fail(reason == ENOSPC ? ErrorCode::disk_full : ErrorCode::io, "scratch",
                "cannot reserve {} MB in {}: {}", bytes / 1'000'000, folder.string(),
                std::strerror(reason));
  };
  std::string name = (folder / ".random-model-XXXXXX").string();
  const int file = ::mkstemp(name.data());
  if (file < 0) return failed(errno);
  ::unlink(name.c_str());
  // Reserved now: a full disk would otherwise show as a fatal signal at the first write.
  const int reserved = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
  void* data = MAP_FAILED;
  if (reserved == 0) data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  const int reason = reserved != 0 ? reserved : errno;
  ::close(file);
  if (data == MAP_FAILED) return failed(reason);
  std::shared_ptr<Scratch> made(new Scratch);
  made->data_ = static_cast<std::uint8_t*>(data);
  made->size_ = bytes;
  return made;
}

Scratch::~Scratch() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace invokeai::random_model
