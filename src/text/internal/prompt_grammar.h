#pragma once
// The strict part of the prompt grammar: words, groups, quotes and the operators behind them
// (cli-and-prompts spec 4.2). Nesting is kept on a stack of our own and every bracket's outcome is
// remembered, so reading takes linear time and any depth; the original needed time exponential in
// the depth.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "text/internal/source_text.h"

namespace invokeai::text::internal {

/// The part of the text that is being read: all of it, or what stands between two quotation marks.
struct Scope {
  std::size_t limit = 0;
  bool quoted = false;
};

/// One entry of an options list: `key`, `number`, `key=key` or `key=number`.
struct Option {
  std::string_view name;  ///< the key, or the digits of a bare number
  std::string_view value;
  bool numeric = false;  ///< `value` is a number
};

struct OptionList {
  std::vector<Option> options;
  std::size_t end = 0;
};

/// Step of a walk through nested text, in the order of the source.
struct Event {
  enum class Kind : std::uint8_t { text, open, close, end_swap };
  Kind kind = Kind::text;
  bool swapped = false;     ///< text, open: what follows it is the other side of a swap
  std::uint32_t begin = 0;  ///< text: its span; end_swap: where the options begin
  std::uint32_t end = 0;
  double weight = 1;  ///< text, open
};

/// Why the text at `at` could not be read.
struct Failure {
  std::size_t at = 0;       ///< what cannot stand there
  bool unfinished = false;  ///< the text ended inside of a bracket
  std::size_t bracket = 0;  ///< the innermost bracket that was open
};

class PromptGrammar {
 public:
  explicit PromptGrammar(const SourceText& source);

  std::string_view text() const { return text_; }
  std::size_t skip_blanks(std::size_t at, std::size_t limit) const;
  std::size_t word_end(std::size_t at, std::size_t limit) const;
  /// End of the run of characters up to the next blank.
  std::size_t run_end(std::size_t at, std::size_t limit) const;
  /// The mark that closes the quotation beginning at `at`, on the same line.
  std::optional<std::size_t> closing_quote(std::size_t at) const;
  /// Reads as many options as there are; blanks may surround each part.
  OptionList options(std::size_t at, std::size_t limit) const;
  /// Behind `name ( ` with blanks before each of the two, or nothing.
  std::optional<std::size_t> call(std::size_t at, std::size_t limit, std::string_view name) const;

  struct Match {
    std::size_t end = 0;
    bool operated = false;  ///< an operator stands behind the target
  };
  /// Reads a target and the operator that follows it. A target is a word, a group or a quotation.
  /// When nothing can be read at `at`, `failure` says why.
  std::optional<Match> element(std::size_t at, Scope scope);
  /// Reads a target only, whatever follows.
  std::optional<Match> target(std::size_t at, Scope scope);
  /// The walk through what `element` (operated) or `target` (not operated) has matched.
  void events(std::size_t at, Scope scope, const Match& match, std::vector<Event>& out);

  /// The first unsuccessful attempt since the last call: its reason, and forget it. Attempts on
  /// brackets already known to fail leave nothing here.
  std::optional<Failure> take_failure();

 private:
  struct Frame {
    enum class Kind : std::uint8_t { group, quotation, replacement } kind;
    std::uint32_t at = 0;     // its bracket
    std::uint32_t event = 0;  // its opening event
    Scope outer;
  };
  struct Operator {
    enum class Kind { none, weight, swap } kind = Kind::none;
    double weight = 1;
    std::size_t end = 0;  // swap: behind its "("
  };
  class Reader;

  std::optional<Match> read(std::size_t at, Scope scope, bool with_operator,
                            std::vector<Event>* out);
  Operator operator_at(std::size_t at, std::size_t limit) const;
  std::optional<std::size_t> number_end(std::size_t at, std::size_t limit, bool sign) const;
  std::uint32_t& outcome(Frame::Kind kind, bool quoted, std::size_t at);

  std::string_view text_;
  std::vector<std::uint32_t> closing_quotes_;           // for each byte that is a quotation mark
  std::array<std::vector<std::uint32_t>, 6> outcomes_;  // kUnknown, kFailed or the end, per bracket
  std::optional<Failure> failure_;
};

}  // namespace invokeai::text::internal
