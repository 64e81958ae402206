#include "nn/threads.h"

#include <ATen/Parallel.h>

namespace invokeai::nn {
namespace {

thread_local int all_threads = 0;  // while a SteadyThreads lives, else 0

}  // namespace

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
