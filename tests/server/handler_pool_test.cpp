// Threads for what may wait, and what becomes of tasks when they end.

#include "server/internal/handler_pool.h"

#include <gtest/gtest.h>

#include <future>

namespace invokeai::server {
namespace {

TEST(SerialQueue, RunsInOrder) {
  HandlerPool pool(2, 4);
  const auto queue = std::make_shared<SerialQueue>(pool);
  std::vector<int> order;
  std::promise<void> done;
  for (int i = 0; i < 100; ++i) queue->post([&order, i] { order.push_back(i); });
  queue->post([&done] { done.set_value(); });
  done.get_future().wait();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

/// A task may own the queue it waits in, as that of a client does.
TEST(SerialQueue, ForgetsWhatItsPoolForgets) {
  HandlerPool pool(1, 1);
  std::promise<void> started, go_on;
  pool.post([&] {
    started.set_value();
    go_on.get_future().wait();
  });
  started.get_future().wait();
  auto waiting = std::make_shared<SerialQueue>(pool), late = std::make_shared<SerialQueue>(pool);
  const std::weak_ptr<SerialQueue> seen = waiting, seen_late = late;
  waiting->post([waiting] {});
  waiting = nullptr;
  EXPECT_FALSE(seen.expired()) << "it has its turn to come";
  std::thread end([&] { pool.join(); });
  go_on.set_value();
  end.join();
  EXPECT_TRUE(seen.expired());
  late->post([late] {});
  late = nullptr;
  EXPECT_TRUE(seen_late.expired()) << "a pool that has ended takes nothing";
}

}  // namespace
}  // namespace invokeai::server
