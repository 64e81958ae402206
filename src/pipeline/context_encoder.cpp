#include "pipeline/context_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace invokeai::pipeline {
namespace {

std::string key_of(const std::vector<text::PlacedFragment>& fragments) {
  std::string key;
  for (const text::PlacedFragment& placed : fragments)
    key += fmt::format("{} {} {} {} {}:{}", placed.piece, placed.block, placed.swapped,
                       placed.fragment.weight, placed.fragment.text.size(), placed.fragment.text);
  return key;
}

}  // namespace

const ContextEncoder::Encoded& ContextEncoder::encode(
    const std::vector<text::PlacedFragment>& fragments) {
  const auto [at, is_new] = known_.try_emplace(key_of(fragments));
  if (is_new) {
    at->second.windows = lay_out(fragments, tokenizer_, rule_);
    at->second.context = emphasis_ == Emphasis::from_empty
                             ? with_pulls(fragments, at->second.windows)
                             : weighted(at->second.windows);
  }
  return at->second;
}

at::Tensor ContextEncoder::fill_up(const at::Tensor& context, std::size_t count) {
  const auto missing = static_cast<std::int64_t>(count) - context.size(1) / window_length();
  if (missing <= 0) return context;
  if (!filler_.defined()) filler_ = hidden(tokenizer_.pad({}));
  std::vector<at::Tensor> windows(static_cast<std::size_t>(missing), filler_);
  windows.insert(windows.begin(), context);
  return at::cat(windows, 1);
}

/// One window of ids: [1,77,D] f32.
at::Tensor ContextEncoder::hidden(const std::vector<int>& ids) const {
  const std::vector<std::int64_t> wide(ids.begin(), ids.end());
  return encoder_.forward(at::tensor(wide).unsqueeze(0).to(device_)).to(at::kFloat);
}

at::Tensor ContextEncoder::weighted(const PromptWindows& windows) {
  std::vector<at::Tensor> parts;
  for (const std::vector<PromptToken>& tokens : windows.windows) {
    std::vector<int> ids;
    for (const PromptToken& token : tokens) ids.push_back(token.id);
    parts.push_back(emphasised(hidden(tokenizer_.pad(ids)), tokens));
  }
  return at::cat(parts, 1);
}

/// Weights applied to the embeddings z [1,77,D] of one window; markers and padding have weight 1.
at::Tensor ContextEncoder::emphasised(const at::Tensor& z, const std::vector<PromptToken>& tokens) {
  if (std::ranges::all_of(tokens, [](const PromptToken& token) { return token.weight == 1; }))
    return z;
  std::vector<float> weights(static_cast<std::size_t>(tokenizer_.max_length()), 1.0f);
  for (std::size_t i = 0; i < tokens.size(); ++i) weights[i + 1] = tokens[i].weight;
  const at::Tensor w = at::tensor(weights).to(device_).reshape({1, -1, 1});
  if (emphasis_ == Emphasis::keep_average) {
    const at::Tensor scaled = z * w;
    return scaled * (z.mean(at::kDouble) / scaled.mean(at::kDouble)).to(at::kFloat);
  }
  if (!measure_.defined()) {
    // Start marker, padding, end marker at the very end: what 2.3.0 measured weights against.
    std::vector<int> ids(weights.size(), tokenizer_.pad_id());
    ids.front() = tokenizer_.bos();
    ids.back() = tokenizer_.eos();
    measure_ = hidden(ids);
  }
  return measure_ + w * (z - measure_);
}

/// A fragment of weight below 1 also pulls towards the prompt without it.
at::Tensor ContextEncoder::with_pulls(const std::vector<text::PlacedFragment>& fragments,
                                      const PromptWindows& windows) {
  at::Tensor sum = weighted(windows);
  double total = 1;
  for (std::size_t i = 0; i < fragments.size(); ++i) {
    const double weight = fragments[i].fragment.weight;
    if (weight >= 1) continue;
    std::vector<text::PlacedFragment> others = fragments;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    const at::Tensor without =
        fill_up(weighted(lay_out(others, tokenizer_, rule_)), windows.size());
    const double pull = std::tan((1 - std::max(weight, 1e-9)) * std::numbers::pi / 2);
    sum = sum + without.to(at::kDouble) * pull;
    total += pull;
  }
  return (sum / total).to(at::kFloat);
}

}  // namespace invokeai::pipeline
