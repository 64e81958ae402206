#include "nn/memory.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <sys/mman.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "nn/internal/block_map.h"

namespace invokeai::nn {
namespace {

constexpr std::size_t kLarge = std::size_t{1} << 20;
constexpr std::size_t kRange = std::size_t{1} << 38;  // of addresses, not of memory
constexpr std::size_t kKept = std::size_t{1} << 30;   // free bytes that stay with the process
constexpr std::size_t kPage = std::size_t{2} << 20;   // what is held or not, about
constexpr std::size_t kGaps = std::size_t{64} << 20;  // beside the most that was in use

/// Large blocks from a range of their own, everything else from libtorch's allocator. Lives as long
/// as the process: tensors in static variables may outlive any other owner.
class TensorMemory final : public at::Allocator {
 public:
  /// Null where the system does not reserve the range.
  static TensorMemory* create() {
    void* range = mmap(nullptr, kRange, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) return nullptr;
    madvise(range, kRange, MADV_HUGEPAGE);
    return new TensorMemory(static_cast<char*>(range));
  }

  at::DataPtr allocate(std::size_t bytes) override {
    void* memory = bytes >= kLarge ? take(bytes) : nullptr;
    if (memory == nullptr) memory = c10::alloc_cpu(bytes);
    return {memory, memory, &release, at::Device(at::kCPU)};
  }
  at::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  void release_free() {
    const std::lock_guard lock(mutex_);
    discard_free();
    most_used_ = blocks_.used();
  }
  KeptMemory state() {
    const std::lock_guard lock(mutex_);
    return {static_cast<std::int64_t>(blocks_.used()), static_cast<std::int64_t>(blocks_.end())};
  }

 private:
  explicit TensorMemory(char* range) : range_(range), blocks_(kRange) {}

  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto start = blocks_.take(bytes);
    if (!start) return nullptr;
    most_used_ = std::max(most_used_, blocks_.used());
    hold(*start, bytes);
    // Blocks of many sizes leave gaps, which must not make the process larger than it has to be.
    if (kPage * pages_held_ > most_used_ + kGaps) {
      discard_free();
      most_used_ = std::max(most_used_, kPage * pages_held_);  // pages that blocks have parts of
    }
    return range_ + *start;
  }

  static void release(void* memory);

  void give(char* memory) {
    const std::lock_guard lock(mutex_);
    const std::size_t start = memory - range_, bytes = blocks_.give(start);
    if (blocks_.end() - blocks_.used() > kKept) discard(start, bytes);
  }

  void hold(std::size_t start, std::size_t bytes) {
    const std::size_t end = (start + bytes + kPage - 1) / kPage;
    if (held_.size() < end) held_.resize(end, false);
    for (std::size_t page = start / kPage; page < end; ++page) {
      if (!held_[page]) ++pages_held_;
      held_[page] = true;
    }
  }

  void discard(std::size_t start, std::size_t bytes) {
    madvise(range_ + start, bytes, MADV_DONTNEED);
    const std::size_t end = std::min((start + bytes) / kPage, held_.size());
    for (std::size_t page = (start + kPage - 1) / kPage; page < end; ++page) {
      if (held_[page]) --pages_held_;
      held_[page] = false;
    }
  }
  void discard_free() {
    blocks_.for_each_free([this](std::size_t start, std::size_t bytes) { discard(start, bytes); });
  }

  char* range_;
  std::mutex mutex_;  // guards what follows
  BlockMap blocks_;
  std::vector<bool> held_;  // which pages may be in memory
  std::size_t pages_held_ = 0;
  std::size_t most_used_ = 0;  // since everything free was given back
};

TensorMemory* the_memory = nullptr;  // set once, under the flag below

void TensorMemory::release(void* memory) {
  const auto at = static_cast<char*>(memory);
  if (at >= the_memory->range_ && at < the_memory->range_ + kRange) the_memory->give(at);
  else c10::free_cpu(memory);
}

}  // namespace

void keep_tensor_memory() {
  static std::once_flag once;
  std::call_once(once, [] {
    the_memory = TensorMemory::create();
    if (the_memory != nullptr) c10::SetCPUAllocator(the_memory, /*priority=*/1);
  });
}

void release_kept_memory() {
  if (the_memory != nullptr) the_memory->release_free();
#ifdef __GLIBC__
  malloc_trim(0);  // packed weights lie in the C library's memory
#endif
}

KeptMemory kept_memory() { return the_memory != nullptr ? the_memory->state() : KeptMemory{}; }

}  // namespace invokeai::nn
