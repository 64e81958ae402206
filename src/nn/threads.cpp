#include "nn/threads.h"

// This file alone is compiled with OpenMP: at::parallel_for is a template that divides nothing
// without.
#include <ATen/Parallel.h>

#ifndef _OPENMP
#error "without OpenMP our kernels would run on one thread"
#endif

namespace invokeai::nn {
namespace {

thread_local int all_threads = 0;  // while a SteadyThreads lives, else 0

}  // namespace

void divide_among_threads(std::int64_t count, std::int64_t grain,
                          const std::function<void(std::int64_t, std::int64_t)>& body) {
  at::parallel_for(0, count, grain, body);
}

SteadyThreads::SteadyThreads(bool wanted) : before_(0) {
  if (!wanted || all_threads != 0) return;
  before_ = all_threads = at::get_num_threads();
  at::set_num_threads(1);
}

SteadyThreads::~SteadyThreads() {
  if (before_ == 0) return;
  all_threads = 0;
  at::set_num_threads(before_);
}

AllThreads::AllThreads() : raised_(all_threads > 1 && at::get_num_threads() == 1) {
  if (raised_) at::set_num_threads(all_threads);
}

AllThreads::~AllThreads() {
  if (raised_) at::set_num_threads(1);
}

}  // namespace invokeai::nn
