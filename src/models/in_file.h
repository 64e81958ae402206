#pragma once
// Errors found in the content of a file, led by that file's name.

#include <string>
#include <utility>

#include "base/result.h"

namespace invokeai::models {

/// The same result; an error's message begins with the file it is about: "FILE: message".
template <class T>
Result<T> in_file(Result<T> result, const std::string& file) {
  if (!result) result.error().message = fmt::format("{}: {}", file, result.error().message);
  return result;
}

}  // namespace invokeai::models
