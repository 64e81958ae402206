#include "nn/threads.h"

#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace invokeai::nn {
namespace {

/// Four threads of libtorch while it lives.
class FourThreads {
 public:
  FourThreads() : before_(at::get_num_threads()) { at::set_num_threads(4); }
  ~FourThreads() { at::set_num_threads(before_); }

 private:
  int before_;
};

TEST(Threads, WorkIsDividedAmongThemAll) {
  const FourThreads four;
  std::mutex lock;
  std::set<std::thread::id> seen;
  std::vector<int> times(1000, 0);
  divide_among_threads(1000, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) ++times[i];
    const std::lock_guard guard(lock);
    seen.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_EQ(times, std::vector<int>(1000, 1));
}

TEST(Threads, AShareIsNeverShorterThanTheGrain) {
  const FourThreads four;
  std::atomic<int> calls = 0;
  divide_among_threads(100, 60, [&](std::int64_t, std::int64_t) { ++calls; });
  EXPECT_LE(calls, 2);
  calls = 0;
  divide_among_threads(0, 1, [&](std::int64_t, std::int64_t) { ++calls; });
  EXPECT_EQ(calls, 0);
}

TEST(Threads, AnExceptionComesOutOfThem) {
  const FourThreads four;
  EXPECT_THROW(divide_among_threads(
                   4, 1, [](std::int64_t, std::int64_t) { throw std::runtime_error("full"); }),
               std::runtime_error);
}

TEST(Threads, SteadyMeansOneUnlessItIsMarked) {
  const FourThreads four;
  const SteadyThreads steady;
  std::atomic<int> calls = 0;
  const auto count = [&](std::int64_t, std::int64_t) { ++calls; };
  divide_among_threads(100, 1, count);
  EXPECT_EQ(calls, 1);
  const AllThreads all;
  calls = 0;
  divide_among_threads(100, 1, count);
  EXPECT_EQ(calls, 4);
}

}  // namespace
}  // namespace invokeai::nn
