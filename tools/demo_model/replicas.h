#pragma once
// The same networks once a thread, each learning from its share of a batch: many small operations
// cut in two wait for each other more than they compute.

#include <ATen/ATen.h>

#include <functional>
#include <vector>

namespace invokeai::demo {

/// Runs `work(i)` for i in 0..count, each on a thread of its own whose tensor operations stay on
/// that thread.
void on_threads(int count, const std::function<void(int)>& work);

/// Learns from `count` shares at once: `error(i)` is the mean error of share i through replica i.
/// The mean's gradient is left in the first replica's parameters; the others' are cleared.
/// `parameters[i]`: what replica i learns, in the same order. Returns the mean error.
double learn_from_shares(const std::vector<std::vector<at::Tensor>>& parameters,
                         const std::function<at::Tensor(int)>& error);

/// Gives all replicas the values of the first.
void spread_values(const std::vector<std::vector<at::Tensor>>& parameters);

}  // namespace invokeai::demo
