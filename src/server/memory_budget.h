#pragma once
// How much memory what comes from clients may take, all of them together.

#include <chrono>
#include <cstddef>
#include <memory>

namespace invokeai::server {

/// Bytes that many hold at a time, up to a limit. Thread-safe.
class MemoryBudget {
  struct State;

 public:
  explicit MemoryBudget(std::size_t limit);

  /// A part of it, given back when it goes. May outlive the budget. One thread at a time.
  class Share {
   public:
    explicit Share(std::shared_ptr<State> state) : state_(std::move(state)) {}
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    /// False, with everything as before, when so many are not left.
    bool resize(std::size_t bytes);

   private:
    friend class MemoryBudget;
    std::shared_ptr<State> state_;
    std::size_t bytes_ = 0;
  };

  /// An empty part, to grow.
  std::shared_ptr<Share> share() const;
  /// Waits until so many are left; for more than the limit, until nobody else holds any. Null after
  /// `patience`.
  std::shared_ptr<Share> wait_for(std::size_t bytes, std::chrono::milliseconds patience) const;
  std::size_t left() const;
  std::size_t limit() const;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace invokeai::server
