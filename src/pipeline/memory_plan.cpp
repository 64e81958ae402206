#include "pipeline/memory_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

namespace invokeai::pipeline {
namespace {

/// Beside the predicted bytes: what the allocator and oneDNN's buffers take.
std::int64_t with_slack(std::int64_t bytes) { return bytes + bytes / 32; }

std::int64_t sum_of(const std::vector<std::int64_t>& all) {
  return std::accumulate(all.begin(), all.end(), std::int64_t{0});
}

/// Weights of the UNet that are in memory at most, with some of its blocks streamed. A streamed block
/// needs room beside the largest of its tensors as the file holds it: twice its size is never exceeded.
std::int64_t unet_weights(const MemoryNeeds& needs, const std::vector<std::size_t>& streamed) {
  std::int64_t resident = needs.unet_rest + sum_of(needs.blocks), largest = 0;
  for (const std::size_t i : streamed) {
    resident -= needs.blocks[i];
    largest = std::max(largest, needs.blocks[i]);
  }
  return resident + 2 * largest;
}

void fill_peaks(const MemoryNeeds& needs, MemoryPlan& plan) {
  const std::int64_t unet = unet_weights(needs, plan.streamed);
  const std::int64_t decoder = plan.keeps_decoder() ? needs.decoder_weights : 0;
  const std::int64_t base = needs.program + unet + (plan.keeps_text() ? needs.text_weights : 0);
  plan.text_peak = with_slack(needs.program + unet + decoder + needs.text_weights + needs.text);
  plan.step_peak =
      with_slack(base + decoder + (plan.row_by_row ? needs.step_one_row : needs.step_all_rows));
  const std::int64_t decode = plan.in_bands ? needs.decode_in_bands : needs.decode;
  const std::int64_t encode = needs.encoder_weights > 0 ? needs.encoder_weights + needs.encode : 0;
  plan.decode_peak = with_slack(base + std::max(needs.decoder_weights + decode, decoder + encode));
}

/// The smallest set of blocks, large ones first, with which the plan fits; at least half of them by
/// weight without a limit that says more.
std::vector<std::size_t> blocks_to_stream(const MemoryNeeds& needs, MemoryPlan plan,
                                          const MemoryLimits& limits) {
  std::vector<std::size_t> order(needs.blocks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return needs.blocks[a] > needs.blocks[b];
  });
  if (plan.thrift == Thrift::stream_all) return order;
  const std::int64_t half = limits.bytes ? 0 : sum_of(needs.blocks) / 2;
  std::int64_t left = sum_of(needs.blocks);
  for (const std::size_t i : order) {
    plan.streamed.push_back(i);
    left -= needs.blocks[i];
    fill_peaks(needs, plan);
    if (limits.bytes ? plan.peak() <= *limits.bytes : left <= half) break;
  }
  return plan.streamed;
}

MemoryPlan make_plan(const MemoryNeeds& needs, Thrift thrift, const MemoryLimits& limits) {
  MemoryPlan plan{.thrift = thrift};
  if (!limits.same_numbers) {
    // Where that takes less than the whole: else the plan before this was as good.
    plan.in_bands = thrift >= Thrift::free_decoder && needs.decode_in_bands < needs.decode;
    plan.row_by_row = thrift >= Thrift::row_by_row;
  }
  if (thrift >= Thrift::stream_unet) plan.streamed = blocks_to_stream(needs, plan, limits);
  fill_peaks(needs, plan);
  plan.fits = !limits.bytes || plan.peak() <= *limits.bytes;
  return plan;
}

}  // namespace

std::int64_t MemoryPlan::peak() const { return std::max({text_peak, step_peak, decode_peak}); }

std::optional<Thrift> leaner(Thrift thrift) {
  if (thrift == Thrift::stream_all) return std::nullopt;
  return static_cast<Thrift>(static_cast<int>(thrift) + 1);
}

MemoryPlan plan_memory(const MemoryNeeds& needs, const MemoryLimits& limits) {
  std::optional<Thrift> thrift = limits.first;
  MemoryPlan plan = make_plan(needs, *thrift, limits);
  while (!plan.fits && (thrift = leaner(plan.thrift))) plan = make_plan(needs, *thrift, limits);
  return plan;
}

std::string memory_text(std::int64_t bytes) {
  return fmt::format("{:.2f} GiB", static_cast<double>(bytes) / (std::int64_t{1} << 30));
}

std::string MemoryPlan::text() const {
  std::vector<std::string> done;
  if (keeps_text()) done.push_back("all networks stay in memory");
  if (!keeps_text()) done.push_back("the text encoder leaves after encoding");
  if (in_bands) done.push_back("decoding in bands");
  if (row_by_row) done.push_back("guidance row by row");
  if (!keeps_decoder()) done.push_back("the decoder is there for decoding alone");
  if (!streamed.empty())
    done.push_back(fmt::format("{} blocks of the UNet are read at each step", streamed.size()));
  return fmt::format("memory: at most {} (text {}, steps {}, pictures {}): {}", memory_text(peak()),
                     memory_text(text_peak), memory_text(step_peak), memory_text(decode_peak),
                     fmt::join(done, ", "));
}

}  // namespace invokeai::pipeline
