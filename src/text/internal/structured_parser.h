#pragma once
// The structured stage of the prompt language: one text without negative parts and legacy blends
// to a conjunction (cli-and-prompts spec 4.2).

#include "base/result.h"
#include "text/internal/note_list.h"
#include "text/internal/source_text.h"
#include "text/prompt_tree.h"

namespace invokeai::text::internal {

/// A conjunction of one or more members; blank text gives one empty fragment.
Result<Conjunction> parse_structured(const SourceText& source, NoteList& notes);

}  // namespace invokeai::text::internal
