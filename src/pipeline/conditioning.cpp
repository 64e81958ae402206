#include "pipeline/conditioning.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "pipeline/context_encoder.h"

namespace invokeai::pipeline {
namespace {

using text::SwapSide;

std::vector<ContextToken> context_tokens(const PromptWindows& windows,
                                         const text::ClipTokenizer& tokenizer) {
  std::vector<ContextToken> tokens;
  for (std::size_t w = 0; w < windows.size(); ++w)
    for (std::size_t t = 0; t < windows.windows[w].size(); ++t) {
      std::string word = tokenizer.decode({windows.windows[w][t].id});
      while (word.ends_with(' ')) word.pop_back();
      const auto start = static_cast<std::int64_t>(w) * tokenizer.max_length();
      tokens.push_back({std::move(word), start + 1 + static_cast<std::int64_t>(t)});
    }
  return tokens;
}

/// Fills in which positions of the edited prompt say the same as one of the original: its markers
/// and every token outside the swaps. Spec 4.8, window by window.
void map_positions(SwapEdit& edit, const PromptWindows& original, const PromptWindows& edited,
                   std::int64_t window, std::int64_t length) {
  std::vector<std::int64_t> source(static_cast<std::size_t>(length));
  std::iota(source.begin(), source.end(), 0);
  std::vector<float> keep(source.size(), 0.0f);
  const auto start = [&](std::size_t w) { return w * static_cast<std::size_t>(window); };
  const auto equal = [&](std::size_t from, std::size_t to) {
    source[to] = static_cast<std::int64_t>(from);
    keep[to] = 1;
  };
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> places;
  for (std::size_t w = 0; w < original.size(); ++w)
    for (std::size_t t = 0; t < original.windows[w].size(); ++t) {
      const PromptToken& token = original.windows[w][t];
      if (!token.swapped) places[{token.piece, token.place}] = start(w) + 1 + t;
    }
  for (std::size_t w = 0; w < edited.size(); ++w) {
    const std::vector<PromptToken>& tokens = edited.windows[w];
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const auto found = places.find({tokens[t].piece, tokens[t].place});
      if (!tokens[t].swapped && found != places.end()) equal(found->second, start(w) + 1 + t);
    }
    if (w >= original.size()) continue;
    equal(start(w), start(w));
    equal(start(w) + 1 + original.windows[w].size(), start(w) + 1 + tokens.size());
  }
  edit.source = at::tensor(source);
  edit.keep = at::tensor(keep);
}

/// Builds the stages of one prompt.
class Director {
 public:
  Director(const text::ParsedPrompt& prompt, const EncodeOptions& options,
           const text::ClipTokenizer& tokenizer, const nn::ClipText& encoder, at::Device device)
      : prompt_(prompt), options_(options), tokenizer_(tokenizer),
        encoder_(tokenizer, encoder, device,
                 is_a1111() ? Emphasis::keep_average : Emphasis::from_empty,
                 is_a1111() ? LongPrompts::carry_on_phrases : options.long_prompts) {}

  Conditioning run() {
    tell_notes();
    for (const int step : first_steps()) out_.stages.push_back(stage(step));
    return std::move(out_);
  }

 private:
  bool is_a1111() const { return options_.dialect == text::PromptDialect::a1111; }

  void tell(const std::string& message) {
    if (std::ranges::find(out_.messages, message) == out_.messages.end())
      out_.messages.push_back(message);
  }

  void tell_notes() {
    for (const auto& note : prompt_.notes)
      tell(note.column > 0 ? fmt::format("Prompt, column {}: {}", note.column, note.message)
                           : fmt::format("Prompt: {}", note.message));
    for (const auto& lora : prompt_.loras)
      tell(fmt::format("Prompt: the LoRA '{}' is not applied by this version", lora.name));
    for (const auto& member : prompt_.positive.members)
      for (const auto& part : member.parts) warn_of_options(part);
  }

  void warn_of_options(const text::Prompt& part) {
    const text::Swap* first = nullptr;
    for (const text::Piece& piece : part.pieces) {
      const auto* swap = std::get_if<text::Swap>(&piece);
      if (!swap) continue;
      if (!first) first = swap;
      if (!(swap->options == first->options))
        tell("Prompt: the options of the first .swap() hold for all of them");
    }
  }

  /// Steps at which any part of the prompt begins to say something new.
  std::set<int> first_steps() const {
    std::set<int> steps{0};
    const auto look = [&](const text::Prompt& prompt) {
      const std::vector<int> changes = text::changes(prompt, options_.steps);
      steps.insert(changes.begin(), changes.end());
    };
    look(prompt_.negative);
    for (const auto& member : prompt_.positive.members)
      for (const auto& part : member.parts) look(part);
    return steps;
  }

  const ContextEncoder::Encoded& encode(const text::Prompt& prompt, SwapSide side, int step) {
    const auto& encoded =
        encoder_.encode(text::placed_fragments(prompt, side, step, options_.steps));
    if (!encoded.windows.lost.empty()) {
      std::string words = tokenizer_.decode(encoded.windows.lost);
      if (words.size() > 120) words = words.substr(0, 120) + "...";
      tell(fmt::format("Prompt is {} token(s) too long and has been truncated; lost: {}",
                       encoded.windows.lost.size(), words));
    }
    return encoded;
  }

  ConditioningStage stage(int step) {
    ConditioningStage out{.first_step = step, .uncond = {}, .cond = {}};
    out.uncond = encode(prompt_.negative, SwapSide::original, step).context;
    const auto& weights = prompt_.positive.weights;
    const double total =
        is_a1111() ? 1 : std::accumulate(weights.begin(), weights.end(), 0.0);
    for (std::size_t m = 0; m < weights.size(); ++m)
      out.cond.push_back(member(prompt_.positive.members[m], weights[m] / total, step));
    even_out(out);
    return out;
  }

  WeightedContext member(const text::Blend& blend, double weight, int step) {
    if (blend.parts.size() > 1) return {.context = blended(blend, step), .weight = weight};
    const text::Prompt& prompt = blend.parts.front();
    const auto& original = encode(prompt, SwapSide::original, step);
    const double factor = blend.factors().front();
    WeightedContext out{.context = factor == 1 ? original.context : original.context * factor,
                        .weight = weight,
                        .tokens = context_tokens(original.windows, tokenizer_)};
    if (prompt.has_swap()) out.edit = edit(prompt, original, step);
    return out;
  }

  at::Tensor blended(const text::Blend& blend, int step) {
    std::size_t windows = 1;
    for (const auto& part : blend.parts)
      windows = std::max(windows, encode(part, SwapSide::original, step).windows.size());
    const std::vector<double> factors = blend.factors();
    at::Tensor sum;
    for (std::size_t i = 0; i < blend.parts.size(); ++i) {
      const at::Tensor& context = encode(blend.parts[i], SwapSide::original, step).context;
      const at::Tensor part = encoder_.fill_up(context, windows) * factors[i];
      sum = sum.defined() ? sum + part : part;
    }
    return sum;
  }

  SwapEdit edit(const text::Prompt& prompt, const ContextEncoder::Encoded& original, int step) {
    const auto& edited = encode(prompt, SwapSide::edited, step);
    SwapEdit out;
    out.context = edited.context;
    out.tokens = context_tokens(edited.windows, tokenizer_);
    map_positions(out, original.windows, edited.windows, encoder_.window_length(),
                  std::max(original.context.size(1), edited.context.size(1)));
    for (const text::Piece& piece : prompt.pieces)
      if (const auto* swap = std::get_if<text::Swap>(&piece)) {
        out.options = swap->options;
        break;
      }
    return out;
  }

  /// The same number of windows for all contexts, so that they can run as one batch.
  void even_out(ConditioningStage& stage) {
    std::int64_t length = stage.uncond.size(1);
    for (const auto& cond : stage.cond) {
      length = std::max(length, cond.context.size(1));
      if (cond.edit) length = std::max(length, cond.edit->context.size(1));
    }
    const auto windows = static_cast<std::size_t>(length / encoder_.window_length());
    stage.uncond = encoder_.fill_up(stage.uncond, windows);
    for (auto& cond : stage.cond) {
      cond.context = encoder_.fill_up(cond.context, windows);
      if (!cond.edit) continue;
      SwapEdit& edit = *cond.edit;
      edit.context = encoder_.fill_up(edit.context, windows);
      const std::int64_t known = edit.source.size(0);
      edit.source = at::cat({edit.source, at::arange(known, length, edit.source.options())});
      edit.keep = at::cat({edit.keep, at::zeros({length - known}, edit.keep.options())});
    }
  }

  const text::ParsedPrompt& prompt_;
  const EncodeOptions& options_;
  const text::ClipTokenizer& tokenizer_;
  ContextEncoder encoder_;
  Conditioning out_;
};

}  // namespace

const ConditioningStage& Conditioning::at(int step) const {
  auto stage = stages.begin();
  while (std::next(stage) != stages.end() && std::next(stage)->first_step <= step) ++stage;
  return *stage;
}

Conditioning encode_prompt(const text::ParsedPrompt& prompt, const EncodeOptions& options,
                           const text::ClipTokenizer& tokenizer, const nn::ClipText& encoder,
                           at::Device device) {
  return Director(prompt, options, tokenizer, encoder, device).run();
}

}  // namespace invokeai::pipeline
