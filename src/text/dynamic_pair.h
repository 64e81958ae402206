#pragma once
// A prompt and its negative prompt, whose choices are settled together.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/wildcards.h"

namespace invokeai::text {

struct SettledPair {
  std::string prompt, negative_prompt;
};

class DynamicPair {
 public:
  /// Errors: those of DynamicPrompt::parse.
  static Result<DynamicPair> parse(std::string_view prompt, std::string_view negative_prompt,
                                   const WildcardSource& source);

  bool has_choice() const { return prompt_.count() != 1 || negative_.count() != 1; }
  /// What a picture of this seed is drawn from; escapes are resolved even where nothing is to be
  /// chosen.
  SettledPair choose(std::uint32_t seed) const;
  /// Of both prompts.
  std::vector<Note> notes() const;

 private:
  DynamicPair(DynamicPrompt prompt, DynamicPrompt negative)
      : prompt_(std::move(prompt)), negative_(std::move(negative)) {}
  DynamicPrompt prompt_, negative_;
};

}  // namespace invokeai::text
