#pragma once
// Character references of HTML in prompts copied from web pages: "&eacute;", "&#233;", "&#xE9;".

#include <string>
#include <string_view>

namespace invokeai::text {

/// Replaces references that end in a semicolon and are known; everything else stays.
std::u32string unescape_html(std::u32string_view text);

}  // namespace invokeai::text
