#pragma once
// Between tensors and the kernels, which know memory alone.

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "nn/internal/kernels.h"
#include "nn/threads.h"

namespace invokeai::nn {

/// The threads of libtorch, all of them: no result of a kernel depends on their number.
inline void parallel_for(std::int64_t count,
                         const std::function<void(std::int64_t, std::int64_t)>& body) {
  const AllThreads threads;
  divide_among_threads(count, 1, body);
}

/// Whether a kernel of our own may compute with these: on this CPU, nobody asks for gradients.
inline bool kernels_suit(const at::Tensor& x) {
  static const bool available = kernels_available();
  return available && x.is_cpu() && !(at::GradMode::is_enabled() && x.requires_grad());
}

inline bool is_half(const at::Tensor& x) { return x.scalar_type() == at::kBFloat16; }
inline bool is_plain(const at::Tensor& x) { return is_half(x) || x.scalar_type() == at::kFloat; }

/// Memory of a tensor as the kernels see it; null when undefined.
template <class T>
const T* memory(const at::Tensor& x) {
  return x.defined() ? static_cast<const T*>(x.const_data_ptr()) : nullptr;
}
template <class T>
T* memory_to_write(const at::Tensor& x) {
  return static_cast<T*>(x.mutable_data_ptr());
}

}  // namespace invokeai::nn
