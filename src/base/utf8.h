#pragma once
// UTF-8: checking what users and files give us, and conversion to and from code points.

#include <string>
#include <string_view>

#include "base/result.h"

namespace invokeai {

/// Fails with invalid_argument and the byte offset of the first sequence that is no UTF-8
/// (overlong forms, surrogates and values above U+10FFFF included).
Result<> check_utf8(std::string_view text);

/// Code points of a text; each maximal ill-formed part counts as one U+FFFD.
std::u32string decode_utf8(std::string_view text);

/// Appends one code point (a Unicode scalar value; others are written as U+FFFD).
void append_utf8(std::string& out, char32_t code_point);

std::string encode_utf8(std::u32string_view text);

}  // namespace invokeai
