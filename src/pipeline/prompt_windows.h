#pragma once
// Prompts cut into the windows of 75 tokens that a text encoder reads.

#include <string>
#include <vector>

#include "text/clip_tokenizer.h"
#include "text/prompt_tree.h"

namespace invokeai::pipeline {

/// What becomes of a prompt that is longer than one window.
enum class LongPrompts {
  truncate,          ///< only the first window counts
  carry_on,          ///< further windows, each filled to the end
  carry_on_phrases,  ///< the same as AUTOMATIC1111 does it: a window rather ends behind one of the
                     ///< last 20 tokens that is a comma, and each BREAK ends one
};

/// One token of a prompt and where it came from.
struct PromptToken {
  int id = 0;
  float weight = 1;
  std::size_t piece = 0;   ///< of the prompt
  std::size_t place = 0;   ///< among the tokens of its piece
  bool swapped = false;    ///< from one side of a swap
};

/// Content tokens; window w, token t is read at position w * max_length + 1 + t of the context.
struct PromptWindows {
  std::vector<std::vector<PromptToken>> windows;  ///< at least one, each of at most max_length - 2
  std::vector<int> lost;                          ///< ids that were cut

  std::size_t size() const { return windows.size(); }
};

/// Tokenizes each fragment alone, as 2.3.0 does (cli spec 4.7), and lays the tokens out.
PromptWindows lay_out(const std::vector<text::PlacedFragment>& fragments,
                      const text::ClipTokenizer& tokenizer, LongPrompts rule);

}  // namespace invokeai::pipeline
