#pragma once
// Weighted fragments through the text encoder (cli spec 4.7).

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "nn/clip_text.h"
#include "pipeline/prompt_windows.h"
#include "text/clip_tokenizer.h"

namespace invokeai::pipeline {

/// How a weight acts on the embedding of a token; see encode_prompt.
enum class Emphasis {
  from_empty,    ///< InvokeAI: relative to the empty prompt
  keep_average,  ///< AUTOMATIC1111: multiply, then restore the window's mean
};

/// Keeps references: tokenizer and encoder must outlive it. Remembers every text it encoded.
class ContextEncoder {
 public:
  ContextEncoder(const text::ClipTokenizer& tokenizer, const nn::ClipText& encoder,
                 at::Device device, Emphasis emphasis, LongPrompts rule)
      : tokenizer_(tokenizer), encoder_(encoder), device_(device), emphasis_(emphasis),
        rule_(rule) {}

  struct Encoded {
    at::Tensor context;  ///< [1,S,D] f32, S = windows * max_length
    PromptWindows windows;
  };
  const Encoded& encode(const std::vector<text::PlacedFragment>& fragments);

  /// The context followed by windows of an empty prompt up to `count` windows.
  at::Tensor fill_up(const at::Tensor& context, std::size_t count);

  /// Ids of a window with its markers: 77 for all published models.
  std::int64_t window_length() const { return tokenizer_.max_length(); }

 private:
  at::Tensor hidden(const std::vector<int>& ids) const;
  at::Tensor weighted(const PromptWindows& windows);
  at::Tensor emphasised(const at::Tensor& z, const std::vector<PromptToken>& tokens);
  at::Tensor with_pulls(const std::vector<text::PlacedFragment>& fragments,
                        const PromptWindows& windows);

  const text::ClipTokenizer& tokenizer_;
  const nn::ClipText& encoder_;
  at::Device device_;
  Emphasis emphasis_;
  LongPrompts rule_;
  std::map<std::string, Encoded> known_;
  at::Tensor measure_;  // what from_empty measures against
  at::Tensor filler_;   // one window of an empty prompt
};

}  // namespace invokeai::pipeline
