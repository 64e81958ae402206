#pragma once
// Which parts of a range of addresses are taken: offsets only, no memory.

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>

namespace invokeai::nn {

/// Best fit, neighbours that become free grow together. Takes time in the number of free blocks: made
/// for some tens of large ones.
class BlockMap {
 public:
  static constexpr std::size_t kUnit = std::size_t{64} << 10;  // sizes are rounded up to this

  explicit BlockMap(std::size_t size) : size_(size) {}

  /// Where a block of so many bytes may lie; nothing when the range is full.
  std::optional<std::size_t> take(std::size_t bytes);
  /// Ends the block that starts here; returns its size, a multiple of the unit.
  std::size_t give(std::size_t start);
  void for_each_free(const std::function<void(std::size_t start, std::size_t bytes)>& visit) const;

  std::size_t used() const { return used_; }
  std::size_t end() const { return end_; }  ///< no block ever reached beyond this

 private:
  std::size_t size_, used_ = 0, end_ = 0;
  std::map<std::size_t, std::size_t> free_;             // start to size, never side by side
  std::unordered_map<std::size_t, std::size_t> taken_;  // start to size
};

}  // namespace invokeai::nn
