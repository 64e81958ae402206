#include "server/internal/handler_pool.h"

#include <chrono>
#include <utility>

namespace invokeai::server {

bool HandlerPool::post(Task task) {
  const std::lock_guard lock(mutex_);
  if (ended_) return false;
  tasks_.push_back(std::move(task));
  if (static_cast<int>(tasks_.size()) > idle_ && threads_ < most_) {
    ++threads_;
    // Detached, so that those which end early need no collecting; join() waits for the count.
    std::thread([this] { work(); }).detach();
  }
  work_came_.notify_one();
  return true;
}

void HandlerPool::join() {
  std::deque<Task> forgotten;  // destroyed without the lock
  std::unique_lock lock(mutex_);
  ended_ = true;
  forgotten.swap(tasks_);
  work_came_.notify_all();
  thread_ended_.wait(lock, [this] { return threads_ == 0; });
}

void HandlerPool::work() {
  std::unique_lock lock(mutex_);
  while (!ended_) {
    if (tasks_.empty()) {
      ++idle_;
      const bool came = work_came_.wait_for(lock, std::chrono::seconds(10),
                                            [this] { return ended_ || !tasks_.empty(); });
      --idle_;
      if (!came && threads_ > kept_) break;
      continue;
    }
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
  --threads_;
  // The last use of this pool: whoever waits in join() goes on once the lock is free.
  thread_ended_.notify_all();
}

/// A place in the pool's line. One that goes without having been called closes the queue: nobody will
/// come for what waits there.
class SerialQueue::Turn {
 public:
  explicit Turn(std::shared_ptr<SerialQueue> queue) : queue_(std::move(queue)) {}
  ~Turn() {
    if (queue_) queue_->close();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  void take() { std::exchange(queue_, nullptr)->run_next(); }

 private:
  std::shared_ptr<SerialQueue> queue_;
};

void SerialQueue::wait_for_turn() {
  pool_.post([turn = std::make_shared<Turn>(shared_from_this())] { turn->take(); });
}

void SerialQueue::post(HandlerPool::Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    tasks_.push_back(std::move(task));
    if (running_) return;
    running_ = true;
  }
  wait_for_turn();
}

void SerialQueue::close() {
  std::deque<HandlerPool::Task> forgotten;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  closed_ = true;
  forgotten.swap(tasks_);
}

void SerialQueue::run_next() {
  HandlerPool::Task task;
  {
    const std::lock_guard lock(mutex_);
    if (tasks_.empty()) return;
    task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  task();
  task = nullptr;
  {
    const std::lock_guard lock(mutex_);
    running_ = !tasks_.empty();
    if (!running_) return;
  }
  wait_for_turn();
}

}  // namespace invokeai::server
