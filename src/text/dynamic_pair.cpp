#include "text/dynamic_pair.h"

namespace invokeai::text {
namespace {

/// Sets the choices of the negative prompt apart from those of the prompt, which has the bare seed.
constexpr std::uint64_t kNegativeChoices = std::uint64_t{1} << 32;

}  // namespace

Result<DynamicPair> DynamicPair::parse(std::string_view prompt, std::string_view negative_prompt,
                                       const WildcardSource& source) {
  TRY_ASSIGN(auto first, DynamicPrompt::parse(prompt, source));
  TRY_ASSIGN(auto second, DynamicPrompt::parse(negative_prompt, source));
  return DynamicPair(std::move(first), std::move(second));
}

SettledPair DynamicPair::choose(std::uint32_t seed) const {
  return {prompt_.choose(seed), negative_.choose(seed + kNegativeChoices)};
}

std::vector<Note> DynamicPair::notes() const {
  std::vector<Note> notes = prompt_.notes();
  notes.insert(notes.end(), negative_.notes().begin(), negative_.notes().end());
  return notes;
}

}  // namespace invokeai::text
