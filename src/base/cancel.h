#pragma once
// Cancellation: asked for from any thread, noticed by the worker within one step.

#include <atomic>
#include <memory>

namespace invokeai {

/// Shared flag; copies refer to the same request.
class CancelToken {
 public:
  void cancel() const { flag_->store(true, std::memory_order_relaxed); }
  bool cancelled() const { return flag_->load(std::memory_order_relaxed); }

 private:
  std::shared_ptr<std::atomic<bool>> flag_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace invokeai
