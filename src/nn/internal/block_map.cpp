#include "nn/internal/block_map.h"

#include "base/result.h"

namespace invokeai::nn {

std::optional<std::size_t> BlockMap::take(std::size_t bytes) {
  if (bytes > size_) return std::nullopt;
  bytes = (bytes + kUnit - 1) / kUnit * kUnit;
  auto best = free_.end();
  for (auto block = free_.begin(); block != free_.end(); ++block)
    if (block->second >= bytes && (best == free_.end() || block->second < best->second)) best = block;
  std::size_t start = end_;
  if (best != free_.end()) {
    start = best->first;
    const std::size_t rest = best->second - bytes;
    free_.erase(best);
    if (rest > 0) free_.emplace(start + bytes, rest);
  } else {
    if (!free_.empty()) {  // a free block at the end grows
      const auto last = std::prev(free_.end());
      if (last->first + last->second == end_) start = last->first;
    }
    if (bytes > size_ - start) return std::nullopt;
    if (start != end_) free_.erase(start);
    end_ = start + bytes;
  }
  taken_.emplace(start, bytes);
  used_ += bytes;
  return start;
}

std::size_t BlockMap::give(std::size_t start) {
  const auto block = taken_.find(start);
  INVOKEAI_CHECK(block != taken_.end());
  const std::size_t bytes = block->second;
  taken_.erase(block);
  used_ -= bytes;
  auto [here, inserted] = free_.emplace(start, bytes);
  if (const auto next = std::next(here); next != free_.end() && start + bytes == next->first) {
    here->second += next->second;
    free_.erase(next);
  }
  if (here != free_.begin())
    if (const auto before = std::prev(here); before->first + before->second == start) {
      before->second += here->second;
      free_.erase(here);
    }
  return bytes;
}

void BlockMap::for_each_free(const std::function<void(std::size_t, std::size_t)>& visit) const {
  for (const auto& [start, bytes] : free_) visit(start, bytes);
}

}  // namespace invokeai::nn
