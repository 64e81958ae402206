// Which plan is taken for how much memory.

#include "pipeline/memory_plan.h"

#include <gtest/gtest.h>

#include <numeric>

namespace invokeai::pipeline {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

/// About Stable Diffusion 1.5 in bfloat16 at 512x512.
MemoryNeeds needs() {
  return {.program = 200 * kMiB,
          .text_weights = 235 * kMiB,
          .decoder_weights = 95 * kMiB,
          .encoder_weights = 0,
          .unet_rest = 5 * kMiB,
          .blocks = std::vector<std::int64_t>(32, 50 * kMiB),
          .text = 2 * kMiB,
          .step_all_rows = 150 * kMiB,
          .step_one_row = 75 * kMiB,
          .encode = 0,
          .decode = 260 * kMiB,
          .decode_in_bands = 110 * kMiB};
}

MemoryPlan plan(std::int64_t mebibytes, Thrift first = Thrift::keep_all) {
  return plan_memory(needs(), {.bytes = mebibytes * kMiB, .first = first, .same_numbers = false});
}

TEST(MemoryPlan, TakesTheFastestThatFits) {
  EXPECT_EQ(plan(8000).thrift, Thrift::keep_all);
  EXPECT_EQ(plan(8000, Thrift::free_text).thrift, Thrift::free_text);
  Thrift last = Thrift::keep_all;
  for (std::int64_t given = 3000; given > 0; given -= 10) {
    const MemoryPlan made = plan(given);
    EXPECT_GE(made.thrift, last) << given << ": less memory, more thrift";
    EXPECT_EQ(made.fits, made.peak() <= given * kMiB);
    if (!made.fits) {
      EXPECT_EQ(made.thrift, Thrift::stream_all);
      EXPECT_EQ(made.streamed.size(), 32u);
    }
    last = made.thrift;
  }
  EXPECT_EQ(last, Thrift::stream_all);
}

TEST(MemoryPlan, StreamsNoMoreBlocksThanItMust) {
  const MemoryPlan made = plan(1400);
  EXPECT_EQ(made.thrift, Thrift::stream_unet);
  EXPECT_TRUE(made.fits);
  EXPECT_GT(made.peak(), (1400 - 2 * 50) * kMiB) << "one block more in memory would not fit";
  EXPECT_LT(plan(900).peak(), 900 * kMiB);
  EXPECT_GT(plan(900).streamed.size(), made.streamed.size());
}

TEST(MemoryPlan, WithoutALimitEachNotchIsLeaner) {
  std::int64_t peak = plan_memory(needs(), {.bytes = {}}).peak();
  for (auto next = leaner(Thrift::free_text); next; next = leaner(*next)) {
    const MemoryPlan made = plan_memory(needs(), {.bytes = {}, .first = *next});
    EXPECT_EQ(made.thrift, *next);
    EXPECT_LE(made.peak(), peak);
    peak = made.peak();
  }
  EXPECT_LT(peak, 800 * kMiB);
}

TEST(MemoryPlan, KeepsTheNumbersWhereItMust) {
  for (const std::int64_t given : {3000, 1400, 900}) {
    const MemoryPlan made = plan_memory(
        needs(), {.bytes = given * kMiB, .first = Thrift::free_text, .same_numbers = true});
    EXPECT_FALSE(made.in_bands);
    EXPECT_FALSE(made.row_by_row);
  }
}

TEST(MemoryPlan, BlocksMakeRoomSoThatNothingTakesMoreThanTheSteps) {
  const MemoryPlan kept = plan_memory(needs(), {.bytes = {}});
  EXPECT_TRUE(kept.lent_to_text.empty());
  const MemoryPlan lending = plan_memory(needs(), {.bytes = {}, .lends = true});
  EXPECT_EQ(lending.step_peak, kept.step_peak);
  EXPECT_GT(kept.peak(), kept.step_peak);
  EXPECT_EQ(lending.peak(), lending.step_peak);
  // 110 MiB of maps too many: three blocks of 50.
  EXPECT_EQ(lending.lent_to_decoder.size(), 3u);
  EXPECT_NE(lending.text().find("makes room"), std::string::npos);
  // With all networks in memory nothing moves.
  const MemoryPlan all =
      plan_memory(needs(), {.bytes = 8000 * kMiB, .first = Thrift::keep_all, .lends = true});
  EXPECT_TRUE(all.lent_to_text.empty() && all.lent_to_decoder.empty());
}

TEST(MemoryPlan, TheFewestBytesAreLent) {
  MemoryNeeds uneven = needs();
  uneven.blocks = {10 * kMiB, 300 * kMiB, 70 * kMiB, 40 * kMiB, 20 * kMiB};
  const MemoryPlan made = plan_memory(uneven, {.bytes = {}, .lends = true});
  std::int64_t lent = 0;
  for (const std::size_t i : made.lent_to_decoder) lent += uneven.blocks[i];
  EXPECT_GE(lent, 110 * kMiB);
  EXPECT_LE(lent, 130 * kMiB) << "not the large one";
}

TEST(MemoryPlan, SaysWhatItDoes) {
  EXPECT_NE(plan(8000).text().find("all networks stay in memory"), std::string::npos);
  const std::string lean = plan(1000).text();
  for (const char* part : {"memory: at most ", " GiB", "the text encoder leaves",
                           "decoding in bands", "row by row", "blocks of the UNet"})
    EXPECT_NE(lean.find(part), std::string::npos) << lean;
}

}  // namespace
}  // namespace invokeai::pipeline
