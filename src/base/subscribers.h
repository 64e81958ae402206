#pragma once
// Who wants to know that something changed.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace invokeai {

/// A list of callbacks. Thread-safe. A callback runs on the thread of notify() and must neither
/// subscribe nor unsubscribe, nor wait for anything: it sets a flag or wakes a thread.
template <class... Arguments>
class Subscribers {
 public:
  using Callback = std::function<void(const Arguments&...)>;

  /// Called until the returned token goes; then no call is under way any more.
  [[nodiscard]] std::shared_ptr<void> subscribe(Callback callback) {
    const std::lock_guard lock(list_->mutex);
    const int key = list_->next++;
    list_->callbacks.emplace(key, std::move(callback));
    return {nullptr, [list = list_, key](void*) {
              const std::lock_guard lock(list->mutex);
              list->callbacks.erase(key);
            }};
  }

  void notify(const Arguments&... arguments) const {
    const std::lock_guard lock(list_->mutex);
    for (const auto& [key, callback] : list_->callbacks) callback(arguments...);
  }

 private:
  struct List {
    std::mutex mutex;  ///< guards the rest
    int next = 0;
    std::map<int, Callback> callbacks;
  };
  std::shared_ptr<List> list_ = std::make_shared<List>();
};

}  // namespace invokeai
