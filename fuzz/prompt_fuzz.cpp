// Any bytes as a prompt, in both dialects and with wildcards: an answer, finite numbers, columns
// within the text, and a printed prompt that is a prompt again.

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/prompt_parser.h"
#include "text/prompt_print.h"
#include "text/wildcards.h"

namespace {

using namespace invokeai;

void check_parsed(const text::ParsedPrompt& parsed, std::size_t size) {
  INVOKEAI_CHECK(!parsed.positive.members.empty());
  INVOKEAI_CHECK_EQ(parsed.positive.members.size(), parsed.positive.weights.size());
  for (const text::Note& note : parsed.notes) INVOKEAI_CHECK(note.column <= size + 1);
  for (const text::Blend& member : parsed.positive.members) {
    INVOKEAI_CHECK_EQ(member.parts.size(), member.weights.size());
    for (const text::Prompt& part : member.parts)
      for (const auto side : {text::SwapSide::original, text::SwapSide::edited})
        for (const text::Fragment& fragment : text::fragments(part, side))
          INVOKEAI_CHECK(std::isfinite(fragment.weight));
  }
  INVOKEAI_CHECK(!text::to_json(parsed).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view prompt(reinterpret_cast<const char*>(data), size);
  text::ParseOptions options;
  if (const auto parsed = text::parse_prompt(prompt, options)) {
    check_parsed(*parsed, size);
    INVOKEAI_CHECK(!text::print_prompt(*parsed).empty());
  }
  options.dialect = text::PromptDialect::a1111;
  if (const auto parsed = text::parse_prompt(prompt, options)) check_parsed(*parsed, size);

  const text::WildcardSource source =
      [](std::string_view name) -> Result<std::vector<std::string>> {
    if (name == "a") return std::vector<std::string>{"x", "{y|__b__}"};
    if (name == "b") return std::vector<std::string>{"__a__ z"};
    return fail(ErrorCode::not_found, "fuzz", "no wildcard file {}", name);
  };
  if (const auto dynamic = text::DynamicPrompt::parse(prompt, source)) {
    dynamic->choose(size);
    dynamic->variant(dynamic->count() - 1);
  }
  return 0;
}
