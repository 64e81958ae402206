#pragma once
// What happens to a prompt before it is cut into words: entities, mojibake, ligatures, widths,
// quotes, control characters, NFC, white space, letter case. Generation follows models spec 2.2,
// steps 2-3.

#include <string>
#include <string_view>

namespace invokeai::text {

/// The clean-up of one piece of a prompt, in the sense of Python's ftfy 6.1 `fix_text`: line by
/// line, each repeated until nothing changes.
std::u32string clean_up(std::u32string_view piece);

/// Runs of white space become one blank; none at either end.
std::u32string collapse_white_space(std::u32string_view text);

/// Full Unicode lower case, with the two rules that look beyond one character: U+0130 becomes two,
/// and a capital sigma at the end of a word becomes the final form.
std::u32string to_lower(std::u32string_view text);

/// Unicode normalization form C.
std::u32string to_nfc(std::u32string_view text);

/// Unicode White_Space property.
bool is_white_space(char32_t c);
/// General category L*.
bool is_letter(char32_t c);
/// General category N*.
bool is_number(char32_t c);

}  // namespace invokeai::text
