#include "demo_model/replicas.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <numeric>
#include <thread>

namespace invokeai::demo {

void on_threads(int count, const std::function<void(int)>& work) {
  const int before = at::get_num_threads();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < count; ++i)
      threads.emplace_back([&work, i] {
        at::set_num_threads(1);
        work(i);
      });
  }
  at::set_num_threads(before);
}

double learn_from_shares(const std::vector<std::vector<at::Tensor>>& parameters,
                         const std::function<at::Tensor(int)>& error) {
  const std::size_t count = parameters.size();
  std::vector<double> errors(count);
  on_threads(static_cast<int>(count), [&](int i) {
    const at::Tensor share = error(i) / static_cast<double>(count);
    share.backward();
    errors[i] = share.item<double>();
  });
  const std::vector<at::Tensor>& sums = parameters.front();
  for (std::size_t i = 1; i < count; ++i) {
    for (std::size_t k = 0; k < sums.size(); ++k) {
      const at::Tensor& other = parameters[i][k];
      if (!other.grad().defined()) continue;
      if (sums[k].grad().defined())
        sums[k].mutable_grad().add_(other.grad());
      else
        sums[k].mutable_grad() = other.grad();
      other.mutable_grad() = at::Tensor();
    }
  }
  return std::accumulate(errors.begin(), errors.end(), 0.0);
}

void spread_values(const std::vector<std::vector<at::Tensor>>& parameters) {
  at::NoGradGuard no_grad;
  for (std::size_t i = 1; i < parameters.size(); ++i)
    at::_foreach_copy_(parameters[i], parameters.front());
}

}  // namespace invokeai::demo
