#pragma once
// Memory for weights that need not fit into RAM.

#include <memory>
#include <span>

#include "base/file.h"

namespace invokeai::random_model {

/// Writable memory mapped onto a nameless file, which the system can move to disk when RAM is
/// short. Gone with its owner.
class Scratch {
 public:
  /// The file takes its space in `folder`. Errors: disk_full, io.
  static Result<std::shared_ptr<Scratch>> create(const fs::path& folder, std::size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::span<std::uint8_t> bytes() const { return {data_, size_}; }

 private:
  Scratch() = default;
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace invokeai::random_model
