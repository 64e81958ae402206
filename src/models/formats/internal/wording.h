#pragma once
// Text that came out of a foreign file: is it UTF-8, and how does it look inside a one-line
// message?

#include <string>
#include <string_view>

namespace invokeai::models {

/// True for well-formed UTF-8: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool valid_utf8(std::string_view text);

/// The text in single quotes, control and non-ASCII bytes as \xNN, cut after 80 characters.
std::string in_quotes(std::string_view text);

}  // namespace invokeai::models
