#pragma once
// How work is divided among threads, and results that do not depend on how many there are.
//
// Products (oneDNN's and ours), attention,
// norms over rows and copies give the same numbers however they are cut; libtorch's element-wise
// functions do not, since the vector part and the rest of each thread's share round differently,
// nor does its group norm.

#include <cstdint>
#include <functional>

namespace invokeai::nn {

/// Calls body(begin, end) for ranges that together are 0 to `count`, on libtorch's threads, none
/// shorter than `grain` but the last. Inside another one, or with one thread, it is a single call.
/// The first exception of a body is thrown again here.
void divide_among_threads(std::int64_t count, std::int64_t grain,
                          const std::function<void(std::int64_t, std::int64_t)>& body);

/// While one lives on this thread, everything runs on a single thread but what AllThreads marks. Does
/// nothing when not `wanted`.
class SteadyThreads {
 public:
  explicit SteadyThreads(bool wanted = true);
  ~SteadyThreads();
  SteadyThreads(const SteadyThreads&) = delete;
  SteadyThreads& operator=(const SteadyThreads&) = delete;

 private:
  int before_;  // 0: nothing was changed
};

/// Marks work whose result is the same on any number of threads: it has them all while one lives.
class AllThreads {
 public:
  AllThreads();
  ~AllThreads();
  AllThreads(const AllThreads&) = delete;
  AllThreads& operator=(const AllThreads&) = delete;

 private:
  bool raised_;
};

}  // namespace invokeai::nn
