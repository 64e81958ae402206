#include "pipeline/conditioning.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace invokeai::pipeline {
namespace {

/// Tokens of weighted fragments, ready for the encoder.
struct WeightedTokens {
  std::vector<int> ids;         // content only
  std::vector<float> weights;   // one for each id
};

class PromptEncoder {
 public:
  PromptEncoder(const text::ClipTokenizer& tokenizer, const nn::ClipText& encoder, at::Device device,
                std::vector<std::string>& messages)
      : tokenizer_(tokenizer), encoder_(encoder), device_(device), messages_(messages) {}

  /// [1,S,D] f32 for one prompt, weights applied (spec 4.7).
  at::Tensor encode(const text::Prompt& prompt) {
    const std::vector<text::Fragment> fragments = text::fragments(prompt);
    warn_if_cut(fragments);
    at::Tensor sum = weighted(fragments);
    double total = 1;
    for (std::size_t i = 0; i < fragments.size(); ++i) {
      if (fragments[i].weight >= 1) continue;
      // A weight below 1 pulls towards the prompt without that fragment.
      std::vector<text::Fragment> others = fragments;
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
      const double pull =
          std::tan((1 - std::max(fragments[i].weight, 1e-9)) * std::numbers::pi / 2);
      sum = sum + weighted(others).to(at::kDouble) * pull;
      total += pull;
    }
    return (sum / total).to(at::kFloat);
  }

 private:
  std::size_t room() const { return static_cast<std::size_t>(tokenizer_.max_length() - 2); }

  WeightedTokens tokens(const std::vector<text::Fragment>& fragments) const {
    WeightedTokens out;
    for (const auto& fragment : fragments) {
      std::vector<int> ids = tokenizer_.encode(text::tokenizer_text(fragment));
      if (ids.size() > room()) ids.resize(room());
      out.ids.insert(out.ids.end(), ids.begin(), ids.end());
      out.weights.insert(out.weights.end(), ids.size(), static_cast<float>(fragment.weight));
    }
    if (out.ids.size() > room()) out.ids.resize(room()), out.weights.resize(room());
    return out;
  }

  at::Tensor hidden(const std::vector<int>& padded) const {
    const std::vector<std::int64_t> ids(padded.begin(), padded.end());
    return encoder_.forward(at::tensor(ids).unsqueeze(0).to(device_)).to(at::kFloat);
  }

  /// z_empty + w (z - z_empty), token by token.
  at::Tensor weighted(const std::vector<text::Fragment>& fragments) {
    const WeightedTokens content = tokens(fragments);
    const at::Tensor z = hidden(tokenizer_.pad(content.ids));
    if (std::all_of(content.weights.begin(), content.weights.end(), [](float w) { return w == 1; }))
      return z;
    if (!empty_.defined()) empty_ = hidden(empty_window());
    std::vector<float> weights(static_cast<std::size_t>(tokenizer_.max_length()), 1.0f);
    std::copy(content.weights.begin(), content.weights.end(), weights.begin() + 1);
    const at::Tensor w = at::tensor(weights).to(device_).reshape({1, -1, 1});
    return empty_ + w * (z - empty_);
  }

  /// BOS, padding, EOS at the very end: what 2.3.0 measured weights against.
  std::vector<int> empty_window() const {
    std::vector<int> ids(static_cast<std::size_t>(tokenizer_.max_length()), tokenizer_.pad_id());
    ids.front() = tokenizer_.bos();
    ids.back() = tokenizer_.eos();
    return ids;
  }

  void warn_if_cut(const std::vector<text::Fragment>& fragments) {
    std::vector<int> all;
    for (const auto& fragment : fragments) {
      const auto ids = tokenizer_.encode(text::tokenizer_text(fragment));
      all.insert(all.end(), ids.begin(), ids.end());
    }
    if (all.size() <= room()) return;
    std::string lost = tokenizer_.decode(
        std::vector<int>(all.begin() + static_cast<std::ptrdiff_t>(room()), all.end()));
    if (lost.size() > 120) lost = lost.substr(0, 120) + "...";
    messages_.push_back(fmt::format("Prompt is {} token(s) too long and has been truncated; lost: {}",
                                    all.size() - room(), lost));
  }

  const text::ClipTokenizer& tokenizer_;
  const nn::ClipText& encoder_;
  at::Device device_;
  std::vector<std::string>& messages_;
  at::Tensor empty_;
};

}  // namespace

Conditioning encode_prompt(const text::ParsedPrompt& prompt, const text::ClipTokenizer& tokenizer,
                           const nn::ClipText& encoder, at::Device device) {
  Conditioning out;
  for (const auto& note : prompt.notes)
    out.messages.push_back(note.column > 0 ? fmt::format("Prompt, column {}: {}", note.column, note.message)
                                           : fmt::format("Prompt: {}", note.message));
  PromptEncoder encode(tokenizer, encoder, device, out.messages);
  out.uncond = encode.encode(prompt.negative);
  const auto& weights = prompt.positive.weights;
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::size_t m = 0; m < prompt.positive.members.size(); ++m) {
    const text::Blend& blend = prompt.positive.members[m];
    const std::vector<double> factors = blend.factors();
    at::Tensor context;
    for (std::size_t i = 0; i < blend.parts.size(); ++i) {
      if (blend.parts[i].has_swap())
        out.messages.push_back("Prompt: .swap() is not applied by this version; the original words are drawn");
      const at::Tensor part = encode.encode(blend.parts[i]) * factors[i];
      context = context.defined() ? context + part : part;
    }
    out.cond.push_back({context, weights[m] / total});
  }
  return out;
}

}  // namespace invokeai::pipeline
