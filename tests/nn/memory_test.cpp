// The memory of large tensors: blocks never overlap, come back to one piece, and serve libtorch.

#include "nn/memory.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <random>

#include "base/system_memory.h"
#include "nn/internal/block_map.h"

namespace invokeai::nn {
namespace {

TEST(BlockMap, NeverGivesOutTheSameBytesTwice) {
  BlockMap blocks(100 * BlockMap::kUnit);
  std::map<std::size_t, std::size_t> taken;  // start to end
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    if (taken.size() > 12 || (!taken.empty() && random() % 2 == 0)) {
      const auto victim = std::next(taken.begin(), random() % taken.size());
      EXPECT_EQ(blocks.give(victim->first), victim->second - victim->first);
      taken.erase(victim);
    } else if (const std::size_t bytes = 1 + random() % (12 * BlockMap::kUnit);
               const auto start = blocks.take(bytes)) {
      const std::size_t end = *start + (bytes + BlockMap::kUnit - 1) / BlockMap::kUnit * BlockMap::kUnit;
      ASSERT_LE(end, 100 * BlockMap::kUnit);
      const auto next = taken.lower_bound(*start);
      if (next != taken.end()) { ASSERT_LE(end, next->first); }
      if (next != taken.begin()) { ASSERT_LE(std::prev(next)->second, *start); }
      taken.emplace(*start, end);
    }
  }
  for (const auto& [start, end] : taken) blocks.give(start);
  EXPECT_EQ(blocks.used(), 0u);
  EXPECT_EQ(blocks.take(100 * BlockMap::kUnit), 0u) << "all free memory is one block again";
  EXPECT_FALSE(blocks.take(1)) << "full";
}

TEST(BlockMap, TakesTheSmallestBlockThatFits) {
  BlockMap blocks(100 * BlockMap::kUnit);
  const auto unit = BlockMap::kUnit;
  const auto large = blocks.take(5 * unit), wall = blocks.take(unit), small = blocks.take(3 * unit);
  blocks.take(unit);
  blocks.give(*large);
  blocks.give(*small);
  EXPECT_EQ(blocks.take(2 * unit), small);
  blocks.give(*wall);
  EXPECT_EQ(blocks.take(6 * unit), large);
}

TEST(TensorMemory, LargeTensorsShareOneRange) {
  keep_tensor_memory();
  const auto before = kept_memory();
  if (before.highest == 0 && at::empty({1 << 20}).numel() && kept_memory().highest == 0)
    GTEST_SKIP() << "no address range to be had here";
  const void* first = nullptr;
  for (int i = 0; i < 3; ++i) {
    const at::Tensor x = at::full({3, 1 << 20}, i, at::kFloat);
    if (first == nullptr) first = x.const_data_ptr();
    EXPECT_EQ(x.const_data_ptr(), first) << "the memory just freed";
    EXPECT_EQ(kept_memory().used - before.used, 12 << 20);
    EXPECT_EQ(x.sum().item<float>(), 3.0f * (1 << 20) * i);
    EXPECT_EQ(x.clone().sum().item<float>(), 3.0f * (1 << 20) * i);
  }
  EXPECT_EQ(kept_memory().used, before.used);
  release_kept_memory();
  EXPECT_EQ(at::zeros({3, 1 << 20}, at::kFloat).sum().item<float>(), 0);
  at::Tensor grows = at::ones({1 << 10}, at::kFloat);  // from libtorch's memory into ours
  grows.resize_({1 << 20});
  EXPECT_EQ(grows[1023].item<float>(), 1);
}

TEST(TensorMemory, GapsDoNotMakeTheProcessLarger) {
  keep_tensor_memory();
  if (at::empty({1 << 20}).numel() && kept_memory().highest == 0)
    GTEST_SKIP() << "no address range to be had here";
  constexpr std::int64_t kMiB = 1 << 20;
  const auto filled = [](std::int64_t mebibytes) {
    return at::ones({mebibytes * kMiB / 4}, at::kFloat);
  };
  release_kept_memory();
  const std::int64_t before = resident_memory();
  std::vector<at::Tensor> blocks;
  for (int i = 0; i < 6; ++i) blocks.push_back(filled(64));
  for (int i = 0; i < 6; i += 2) blocks[i].reset();
  const at::Tensor large = filled(100), next = filled(80);  // neither fits into a gap
  EXPECT_LT(resident_memory() - before, (6 * 64 + 64 + 8) * kMiB)
      << "the most in use, and a little";
  EXPECT_EQ(large.sum().item<float>() + next.sum().item<float>(), 180 * kMiB / 4);
}

}  // namespace
}  // namespace invokeai::nn
