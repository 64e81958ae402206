#pragma once
// An allocator that counts: how many bytes tensors take at most, and what happens when there are no
// more.

#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace invokeai::nn::testing {

/// Stands in for the allocator of CPU tensors while it lives.
class CountingMemory final : public at::Allocator {
 public:
  CountingMemory() : before_(c10::GetCPUAllocator()) {
    c10::SetCPUAllocator(this, kPriority);
    current_ = this;
    before_all_ = before_;
  }
  ~CountingMemory() override {
    c10::SetCPUAllocator(before_, kPriority);
    current_ = nullptr;
  }

  /// The worst moment since the last call.
  std::int64_t most() const { return most_; }
  void restart() { most_ = now_ = 0; }
  /// The next tensor of at least so many bytes cannot be had, `times` times.
  void fail_once_at(std::int64_t bytes, int times = 1) { limit_ = bytes, failures_ = times; }
  int failures_left() const { return failures_; }

  at::DataPtr allocate(std::size_t bytes) override {
    if (failures_ > 0 && static_cast<std::int64_t>(bytes) >= limit_) {
      --failures_;
      throw c10::OutOfMemoryError({__func__, __FILE__, __LINE__}, "no memory, says the test");
    }
    now_ += static_cast<std::int64_t>(bytes);
    most_ = std::max(most_, now_);
    at::DataPtr memory = before_->allocate(bytes);
    void* start = memory.get();
    if (start == nullptr) return memory;
    const std::lock_guard lock(mutex_);
    blocks_.emplace(start, Block{std::move(memory), static_cast<std::int64_t>(bytes)});
    return {start, start, &end, at::Device(at::kCPU)};
  }
  at::DeleterFnPtr raw_deleter() const override { return &end; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

 private:
  static constexpr std::uint8_t kPriority = 10;  // above the program's own
  struct Block {
    at::DataPtr memory;
    std::int64_t bytes;
  };
  static void end(void* start) {
    const std::lock_guard lock(mutex_);
    const auto block = blocks_.find(start);
    if (block == blocks_.end()) return before_all_->raw_deleter()(start);  // older than any counter
    if (current_ != nullptr) current_->now_ -= block->second.bytes;
    blocks_.erase(block);
  }

  static inline std::mutex mutex_;  // guards blocks_, which may outlive any one counter
  static inline std::unordered_map<void*, Block> blocks_;
  static inline CountingMemory* current_ = nullptr;
  static inline at::Allocator* before_all_ = nullptr;
  at::Allocator* before_;
  std::int64_t now_ = 0, most_ = 0, limit_ = 0;
  int failures_ = 0;
};

}  // namespace invokeai::nn::testing
