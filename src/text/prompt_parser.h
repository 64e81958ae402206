#pragma once
// The prompt language of 2.3.0: weights, groups, quotes, .attend() .swap() .blend() .and(), legacy
// blends and negative parts (cli-and-prompts spec section 4).

#include <string>
#include <string_view>

#include "base/result.h"
#include "text/prompt_tree.h"

namespace invokeai::text {

struct ParseOptions {
  PromptDialect dialect = PromptDialect::invoke;
  bool skip_normalize = false;  ///< `-x`: weights of a legacy blend are used as written
  std::string negative = {};    ///< given apart, follows the one in the text; columns are its own
};

/// Reads a prompt in time linear in its length, whatever its nesting. Text that only looks like
/// syntax stays text, as in the original, and a note says so with its column.
/// Errors (invalid_argument, with the column): numbers of parts and weights differ, a weight or
/// option that is no number, text behind .blend(), a swap in a blend, in a swap or in the negative
/// part, a blend in the negative part, weights that add up to zero.
Result<ParsedPrompt> parse_prompt(std::string_view prompt, const ParseOptions& options = {});

/// Reads the dialect's name, "invoke" or "a1111".
Result<PromptDialect> parse_dialect(std::string_view name);

}  // namespace invokeai::text
