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

std::int64_t lent(const MemoryNeeds& needs, const std::vector<std::size_t>& blocks) {
  std::int64_t sum = 0;
  for (const std::size_t i : blocks) sum += needs.blocks[i];
  return sum;
}

std::vector<std::size_t> largest_first(const MemoryNeeds& needs) {
  std::vector<std::size_t> order(needs.blocks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, [&](std::size_t a, std::size_t b) { return needs.blocks[a] > needs.blocks[b]; });
  return order;
}

void fill_peaks(const MemoryNeeds& needs, MemoryPlan& plan) {
  const std::int64_t unet = unet_weights(needs, plan.streamed);
  const std::int64_t decoder = plan.keeps_decoder() ? needs.decoder_weights : 0;
  const std::int64_t base = needs.program + unet + (plan.keeps_text() ? needs.text_weights : 0);
  plan.text_peak = with_slack(needs.program + unet + decoder + needs.text_weights + needs.text -
                              lent(needs, plan.lent_to_text));
  plan.step_peak =
      with_slack(base + decoder + (plan.row_by_row ? needs.step_one_row : needs.step_all_rows));
  const std::int64_t decode = plan.in_bands ? needs.decode_in_bands : needs.decode;
  const std::int64_t encode = needs.encoder_weights > 0 ? needs.encoder_weights + needs.encode : 0;
  plan.decode_peak = with_slack(base + std::max(needs.decoder_weights + decode, decoder + encode) -
                                lent(needs, plan.lent_to_decoder));
}

/// The smallest set of blocks, large ones first, with which the plan fits; at least half of them by
/// weight without a limit that says more.
std::vector<std::size_t> blocks_to_stream(const MemoryNeeds& needs, MemoryPlan plan,
                                          const MemoryLimits& limits) {
  const std::vector<std::size_t> order = largest_first(needs);
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

/// Blocks of about `bytes` together, the largest that fit first; those of the plan stay in their
/// file anyway.
std::vector<std::size_t> blocks_to_lend(const MemoryNeeds& needs, const MemoryPlan& plan,
                                        std::int64_t bytes) {
  std::vector<std::size_t> order = largest_first(needs);
  std::erase_if(order, [&](std::size_t i) {
    return std::ranges::find(plan.streamed, i) != plan.streamed.end();
  });
  std::vector<std::size_t> chosen;
  const auto take = [&](std::size_t place) {
    bytes -= needs.blocks[order[place]];
    chosen.push_back(order[place]);
    order.erase(order.begin() + static_cast<std::ptrdiff_t>(place));
  };
  for (std::size_t place = 0; place < order.size() && bytes > 0;) {
    if (needs.blocks[order[place]] <= bytes)
      take(place);
    else
      ++place;
  }
  // What is left is less than the smallest block that is still there.
  while (!order.empty() && bytes > 0) take(order.size() - 1);
  return chosen;
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
  if (limits.lends && thrift >= Thrift::free_text) {
    plan.lent_to_text = blocks_to_lend(needs, plan, plan.text_peak - plan.step_peak);
    plan.lent_to_decoder = blocks_to_lend(needs, plan, plan.decode_peak - plan.step_peak);
    fill_peaks(needs, plan);
  }
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
  if (!lent_to_text.empty() || !lent_to_decoder.empty())
    done.push_back("some of the UNet makes room between steps");
  if (!streamed.empty())
    done.push_back(fmt::format("{} blocks of the UNet are read at each step", streamed.size()));
  return fmt::format("memory: at most {} (text {}, steps {}, pictures {}): {}", memory_text(peak()),
                     memory_text(text_peak), memory_text(step_peak), memory_text(decode_peak),
                     fmt::join(done, ", "));
}

}  // namespace invokeai::pipeline
