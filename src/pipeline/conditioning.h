#pragma once
// Prompt to tensors: weights, blends and conjunctions over the text encoder (cli spec 4.7).

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "nn/clip_text.h"
#include "text/clip_tokenizer.h"
#include "text/prompt_tree.h"

namespace invokeai::pipeline {

/// One prompt of a conjunction; `weight` multiplies its share of the guidance.
struct WeightedContext {
  at::Tensor context;  ///< [1,S,D] f32
  double weight = 1;
};

/// What the denoiser listens to.
struct Conditioning {
  at::Tensor uncond;                  ///< [1,S,D] f32, the negative prompt
  std::vector<WeightedContext> cond;  ///< at least one; weights add up to 1
  std::vector<std::string> messages;  ///< for the user, one line each
};

/// Encodes a parsed prompt. Each fragment is tokenized alone; what exceeds the encoder's window is
/// cut, with a message that names the lost words.
Conditioning encode_prompt(const text::ParsedPrompt& prompt, const text::ClipTokenizer& tokenizer,
                           const nn::ClipText& encoder, at::Device device);

}  // namespace invokeai::pipeline
