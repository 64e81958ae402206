#include "text/prompt_parser.h"

#include <cmath>
#include <limits>
#include <utility>

#include "text/a1111_parser.h"
#include "text/internal/note_list.h"
#include "text/internal/source_text.h"
#include "text/internal/structured_parser.h"

namespace invokeai::text {
namespace {

using internal::LegacyPart;
using internal::NoteList;
using internal::SourceText;

constexpr const char* kOrigin = "prompt";

/// Legacy blends: `text:weight text:weight` (spec 4.6).
Result<Conjunction> parse_legacy(std::vector<LegacyPart> parts, bool skip_normalize,
                                 NoteList& notes) {
  Blend blend;
  blend.syntax = Blend::Syntax::legacy;
  blend.normalize = !skip_normalize;
  notes.add(
      parts[0].colon_column,
      "the colon makes this a blend of {} prompts; for a plain colon write \\:", parts.size());
  double sum = 0;
  for (const LegacyPart& part : parts) {
    TRY_ASSIGN(Conjunction conjunction, internal::parse_structured(part.text, notes));
    Blend& first = conjunction.members.front();
    const std::size_t column = part.text.column(0);
    if (first.syntax != Blend::Syntax::plain)
      return fail(ErrorCode::invalid_argument, kOrigin,
                  "the part at column {} of a text:weight blend is a .blend() itself; use one form",
                  column);
    if (first.parts.front().has_swap())
      return fail(ErrorCode::invalid_argument, kOrigin,
                  "the part at column {} of a text:weight blend has a .swap() inside; a blend "
                  "cannot be swapped",
                  column);
    if (!(std::abs(part.weight) <= std::numeric_limits<float>::max()))
      return fail(ErrorCode::invalid_argument, kOrigin,
                  "the weight of the part at column {} is too large", column);
    sum += part.weight;
    blend.weights.push_back(part.weight);
    blend.parts.push_back(std::move(first.parts.front()));
  }
  if (blend.normalize && sum == 0) {
    notes.add(parts[0].colon_column, "the weights add up to zero; equal weights are used instead");
    blend.weights.assign(parts.size(), 1.0 / static_cast<double>(parts.size()));
  }
  return Conjunction{{std::move(blend)}, {1.0}};
}

Result<Prompt> parse_negative(const SourceText& text, NoteList& notes) {
  TRY_ASSIGN(Conjunction conjunction, internal::parse_structured(text, notes));
  Blend& first = conjunction.members.front();
  const std::size_t column = text.column(0);
  if (conjunction.members.size() > 1)
    notes.add(column, "only the first part of .and() is used in the negative prompt");
  if (first.syntax != Blend::Syntax::plain)
    return fail(ErrorCode::invalid_argument, kOrigin,
                "the negative part at column {} is a .blend(); only plain text can be negative",
                column);
  if (first.parts.front().has_swap())
    return fail(ErrorCode::invalid_argument, kOrigin,
                "the negative part at column {} has a .swap() inside; only plain text can be "
                "negative",
                column);
  return std::move(first.parts.front());
}

/// What split_negative left in the text found no partner on its line.
void note_square_brackets(const SourceText& positive, NoteList& notes) {
  for (std::size_t i = 0; i < positive.size(); ++i) {
    const char c = positive.text()[i];
    if (c == '[' || c == ']')
      notes.add(positive.column(i), "'{}' stays text: it has no partner on its line", c);
  }
}

Result<ParsedPrompt> parse_invoke(std::string_view prompt, const ParseOptions& options) {
  NoteList notes;
  ParsedPrompt result;
  internal::SplitText split = internal::split_negative(SourceText(prompt));
  if (!options.negative.empty()) {
    if (split.negative.size() > 0) split.negative.push_back(' ', 1);
    const SourceText given(options.negative);
    split.negative.append(given, 0, given.size());
  }
  note_square_brackets(split.positive, notes);
  std::vector<LegacyPart> parts = internal::split_legacy_blend(split.positive);
  if (parts.size() > 1) {
    TRY_ASSIGN(result.positive, parse_legacy(std::move(parts), options.skip_normalize, notes));
  } else {
    TRY_ASSIGN(result.positive, internal::parse_structured(split.positive, notes));
  }
  TRY_ASSIGN(result.negative, parse_negative(split.negative, notes));
  result.notes = notes.take();
  return result;
}

}  // namespace

Result<ParsedPrompt> parse_prompt(std::string_view prompt, const ParseOptions& options) {
  constexpr std::size_t kMaxBytes = std::size_t{1} << 30;
  if (prompt.size() > kMaxBytes || options.negative.size() > kMaxBytes)
    return fail(ErrorCode::invalid_argument, kOrigin, "the prompt is larger than 1 GiB");
  return options.dialect == PromptDialect::a1111 ? parse_a1111(prompt, options.negative)
                                                 : parse_invoke(prompt, options);
}

Result<PromptDialect> parse_dialect(std::string_view name) {
  if (name == "invoke") return PromptDialect::invoke;
  if (name == "a1111") return PromptDialect::a1111;
  return fail(ErrorCode::invalid_argument, kOrigin,
              "there is no prompt dialect '{}'; choose invoke or a1111", name);
}

}  // namespace invokeai::text
