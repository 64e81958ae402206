#pragma once
// Prompt to tensors: weights, blends, conjunctions, schedules and swaps over the text encoder (cli
// spec 4.7 and 4.8).

#include <ATen/ATen.h>

#include <optional>
#include <string>
#include <vector>

#include "nn/clip_text.h"
#include "pipeline/prompt_windows.h"
#include "text/clip_tokenizer.h"
#include "text/prompt_tree.h"

namespace invokeai::pipeline {

/// One token of a context and its position along S.
struct ContextToken {
  std::string text;
  std::int64_t position = 0;
};

/// A `.swap()`: the words to draw, and how attention to them follows attention to the original.
struct SwapEdit {
  at::Tensor context;  ///< [1,S,D] f32, the edited prompt
  at::Tensor source;   ///< [S] i64: position in the original whose map is used
  at::Tensor keep;     ///< [S] f32: 1 where that map is used, 0 where the edited prompt's own is
  std::vector<ContextToken> tokens;  ///< of the edited prompt
  text::SwapOptions options;
};

/// One prompt of a conjunction; `weight` multiplies its share of the guidance.
struct WeightedContext {
  at::Tensor context;  ///< [1,S,D] f32
  double weight = 1;
  std::vector<ContextToken> tokens = {};  ///< empty for a blend, whose tokens mix
  std::optional<SwapEdit> edit = {};
};

/// What the denoiser listens to from one step on. All contexts have the same S.
struct ConditioningStage {
  int first_step = 0;                 ///< counted from 0
  at::Tensor uncond;                  ///< [1,S,D] f32, the negative prompt
  std::vector<WeightedContext> cond;  ///< at least one
};

/// What the denoiser listens to.
struct Conditioning {
  std::vector<ConditioningStage> stages;  ///< the first begins at 0, then rising
  std::vector<std::string> messages;      ///< for the user, one line each

  const ConditioningStage& at(int step) const;
};

struct EncodeOptions {
  text::PromptDialect dialect = text::PromptDialect::invoke;
  LongPrompts long_prompts = LongPrompts::truncate;
  int steps = 1;  ///< that will be run; schedules like [a:b:0.4] are laid out over them
};

/// Encodes a parsed prompt; each distinct text once, however many steps show it.
///
/// Weights. invoke: a token of weight w moves from the empty prompt's embedding z0 to
/// z0 + w (z - z0), and fragments below 1 pull towards the prompt without them. a1111: a token's
/// embedding is multiplied by w, then all of its window by one factor that restores the mean.
/// Guidance. invoke: the weights of .and() add up to 1; a1111: those of AND count as written.
///
/// Contexts of one stage are filled up to the same number of windows with those of an empty prompt.
/// What does not fit the encoder is cut, with a message that names the lost words.
Conditioning encode_prompt(const text::ParsedPrompt& prompt, const EncodeOptions& options,
                           const text::ClipTokenizer& tokenizer, const nn::ClipText& encoder,
                           at::Device device);

}  // namespace invokeai::pipeline
