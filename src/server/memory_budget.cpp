#include "server/memory_budget.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace invokeai::server {

struct MemoryBudget::State {
  explicit State(std::size_t most) : limit(most) {}
  const std::size_t limit;
  std::mutex mutex;  ///< guards `used`
  std::condition_variable freed;
  std::size_t used = 0;
};

MemoryBudget::MemoryBudget(std::size_t limit) : state_(std::make_shared<State>(limit)) {}

MemoryBudget::Share::~Share() { resize(0); }

bool MemoryBudget::Share::resize(std::size_t bytes) {
  if (bytes == bytes_) return true;
  const std::lock_guard lock(state_->mutex);
  const std::size_t others = state_->used - bytes_;
  if (bytes > bytes_ && bytes > state_->limit - others) return false;
  state_->used = others + bytes;
  if (bytes < bytes_) state_->freed.notify_all();
  bytes_ = bytes;
  return true;
}

std::shared_ptr<MemoryBudget::Share> MemoryBudget::share() const {
  return std::make_shared<Share>(state_);
}

std::shared_ptr<MemoryBudget::Share> MemoryBudget::wait_for(
    std::size_t bytes, std::chrono::milliseconds patience) const {
  const std::size_t wanted = std::min(bytes, state_->limit);
  auto share = this->share();
  std::unique_lock lock(state_->mutex);
  if (!state_->freed.wait_for(lock, patience,
                              [&] { return wanted <= state_->limit - state_->used; })) {
    lock.unlock();
    return nullptr;
  }
  state_->used += wanted;
  share->bytes_ = wanted;
  return share;
}

std::size_t MemoryBudget::left() const {
  const std::lock_guard lock(state_->mutex);
  return state_->limit - state_->used;
}

std::size_t MemoryBudget::limit() const { return state_->limit; }

}  // namespace invokeai::server
