#include "text/words.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "text/normalize.h"

namespace invokeai::text {
namespace {

/// Letter case as the word pattern ignores it: the text is lower-case already, but U+017F is still
/// a form of "s".
bool matches(std::u32string_view text, std::u32string_view pattern) {
  if (text.size() < pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i)
    if ((text[i] == U'\u017F' ? U's' : text[i]) != pattern[i]) return false;
  return true;
}

bool is_other(char32_t c) {
  // U+0345 is a case variant of the letter iota and therefore excluded from "neither white space
  // nor letter nor number", though it is no letter: it belongs to no word at all.
  return !is_white_space(c) && !is_letter(c) && !is_number(c) && c != U'\u0345';
}

template <class Predicate>
std::size_t run_length(std::u32string_view text, Predicate predicate) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), predicate) -
                                  text.begin());
}

/// Length of the word that begins `text`; 0 if its first character belongs to none.
std::size_t word_length(std::u32string_view text) {
  static constexpr std::array<std::u32string_view, 9> kFixed = {
      U"<|startoftext|>", U"<|endoftext|>", U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"};
  for (const std::u32string_view fixed : kFixed)
    if (matches(text, fixed)) return fixed.size();
  if (is_number(text[0])) return 1;
  if (is_letter(text[0])) return run_length(text, is_letter);
  return run_length(text, is_other);
}

}  // namespace

std::vector<std::string> split_words(std::u32string_view text) {
  const std::u32string cleaned = to_lower(collapse_white_space(clean_up(text)));
  std::u32string_view rest = cleaned;
  std::vector<std::string> words;
  while (!rest.empty()) {
    const std::size_t length = word_length(rest);
    if (length > 0) words.push_back(encode_utf8(rest.substr(0, length)));
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return words;
}

}  // namespace invokeai::text
