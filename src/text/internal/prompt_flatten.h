#pragma once
// From nested events to the flat list of weighted pieces (cli-and-prompts spec 4.3, 4.5).

#include "base/result.h"
#include "text/internal/prompt_grammar.h"
#include "text/prompt_tree.h"

namespace invokeai::text::internal {

/// Multiplies nested weights, joins neighbours of exactly equal weight with one blank and builds
/// the swaps. Errors: a swap inside a swap, a swap option that is no number, a weight that is not
/// finite in float32.
Result<Prompt> flatten(const PromptGrammar& grammar, const SourceText& source,
                       const std::vector<Event>& events);

}  // namespace invokeai::text::internal
