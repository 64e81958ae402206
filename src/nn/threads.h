#pragma once
// Results that do not depend on how many threads there are. Products (oneDNN's and ours), attention,
// norms over rows and copies give the same numbers however they are cut; libtorch's element-wise
// functions do not, since the vector part and the rest of each thread's share round differently, nor
// does its group norm.

namespace invokeai::nn {

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
