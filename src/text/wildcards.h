#pragma once
// Dynamic prompts, for both dialects: `{a|b|c}` stands for one of its parts, `__name__` for one
// line of a wildcard file. They are settled before the prompt is parsed: by a seeded choice or by
// going through all variants.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/prompt_tree.h"

namespace invokeai::text {

/// Gives the lines of the wildcard file called `name`. Error not_found: there is none.
using WildcardSource = std::function<Result<std::vector<std::string>>(std::string_view name)>;

/// Reads `folder/name.txt`; names have letters, digits, `_`, `-` and `/` for sub-folders. Outer
/// blanks, empty lines and lines beginning with `#` are left out.
WildcardSource wildcard_folder(std::filesystem::path folder);

/// A prompt with its choices open. Braces nest, and lines of a file may hold wildcards themselves.
/// Braces without a `|`, without partner, and names without a file stay text, with a note for the
/// last two; `\{`, `\}`, `\|` (inside braces) and `\__` are the plain characters.
class DynamicPrompt {
 public:
  /// Errors: bad_file when a file is empty or holds itself, invalid_argument when braces nest more
  /// than 64 deep, and those of `source` except not_found.
  static Result<DynamicPrompt> parse(std::string_view prompt, const WildcardSource& source);

  /// Number of variants, at most 2^64 - 1.
  std::uint64_t count() const;
  /// The variant `index` < count(); the last choice in the text turns fastest.
  std::string variant(std::uint64_t index) const;
  /// Each choice drawn evenly from its own parts; the same seed gives the same text everywhere.
  std::string choose(std::uint64_t seed) const;
  /// All variants. Error invalid_argument: there are more than `limit`.
  Result<std::vector<std::string>> all(std::uint64_t limit = 10'000) const;

  const std::vector<Note>& notes() const { return notes_; }

 private:
  friend class DynamicPromptParser;
  struct Node {
    std::string text;                       // of a node without options
    std::vector<std::vector<int>> options;  // each a sequence of nodes
    std::uint64_t count = 1;
  };

  std::uint64_t count(const std::vector<int>& sequence) const;
  template <class Pick>
  void render(const std::vector<int>& sequence, Pick& pick, std::string& out) const;

  std::vector<Node> nodes_;  // every node behind the ones it holds
  std::vector<int> root_;
  std::vector<Note> notes_;
};

}  // namespace invokeai::text
