#pragma once
// Threads for what may wait: handlers, files, logs.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace invokeai::server {

/// Runs tasks on threads of its own. Starts with none; makes one more whenever a task would have to
/// wait, up to `most`, since handlers may wait for minutes; threads beyond `kept` end when idle.
class HandlerPool {
 public:
  using Task = std::function<void()>;
  HandlerPool(int kept, int most) : kept_(kept), most_(most) {}
  ~HandlerPool() { join(); }

  /// False, and the task is forgotten, after join().
  bool post(Task task);
  /// Forgets the tasks that wait, and returns when those under way are done.
  void join();

 private:
  void work();

  const int kept_, most_;
  std::mutex mutex_;  // guards the rest
  std::condition_variable work_came_, thread_ended_;
  std::deque<Task> tasks_;
  int threads_ = 0, idle_ = 0;
  bool ended_ = false;
};

/// Tasks that run one after the other, in their order, on the threads of a pool. When the pool ends,
/// those that wait are forgotten.
class SerialQueue : public std::enable_shared_from_this<SerialQueue> {
 public:
  explicit SerialQueue(HandlerPool& pool) : pool_(pool) {}
  void post(HandlerPool::Task task);
  /// Forgets the tasks that wait and takes no more. (Tasks may own what owns this queue.)
  void close();

 private:
  class Turn;
  void wait_for_turn();
  void run_next();

  HandlerPool& pool_;
  std::mutex mutex_;  // guards the rest
  std::deque<HandlerPool::Task> tasks_;
  bool running_ = false, closed_ = false;
};

}  // namespace invokeai::server
