#pragma once
// Operators of libtorch that have no C++ header, by name.

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <initializer_list>
#include <utility>

namespace invokeai::nn {

/// Whether libtorch has all of these.
inline bool has_all(std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (!c10::Dispatcher::singleton().findSchema({name, ""})) return false;
  return true;
}

inline c10::OperatorHandle operator_named(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "");
}

/// Calls it with values in the order of its schema: independent of how its C++ side spells them.
template <class... Arguments>
at::Tensor call(const c10::OperatorHandle& handle, Arguments&&... arguments) {
  torch::jit::Stack stack;
  stack.reserve(sizeof...(arguments));
  (stack.emplace_back(std::forward<Arguments>(arguments)), ...);
  handle.callBoxed(stack);
  return std::move(stack.back()).toTensor();
}

}  // namespace invokeai::nn
