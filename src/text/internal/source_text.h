#pragma once
// Text that remembers where it came from, and the two stages of the prompt language that cut the
// text apart before its grammar is looked at (cli-and-prompts spec 4.1, 4.6).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace invokeai::text::internal {

inline bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Bytes and, for each, the 1-based column (in characters) it has in the prompt as typed.
class SourceText {
 public:
  SourceText() = default;
  explicit SourceText(std::string_view text);

  const std::string& text() const { return text_; }
  std::size_t size() const { return text_.size(); }
  /// Column of a byte; at the end, the one behind the last byte.
  std::size_t column(std::size_t at) const;
  bool blank() const;

  void append(const SourceText& from, std::size_t begin, std::size_t end);
  void push_back(char c, std::size_t column);

 private:
  std::string text_;
  std::vector<std::uint32_t> columns_;
};

struct SplitText {
  SourceText positive;
  SourceText negative;
};

/// Takes every `[...]` out of the text (shortest match, never over a line end).
SplitText split_negative(const SourceText& prompt);

struct LegacyPart {
  SourceText text;
  double weight = 1;
  std::size_t colon_column = 0;  ///< of the colon behind the part, 0 when the text ended
};

/// `text:weight text:weight`; fewer than two parts mean that the text is no legacy blend.
std::vector<LegacyPart> split_legacy_blend(const SourceText& text);

/// `digits.digits` and the like as a number; infinite when too large.
double to_number(std::string_view digits);

}  // namespace invokeai::text::internal
