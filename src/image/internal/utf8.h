#pragma once
// Text as code points, whatever the bytes.

#include <utf8proc.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace invokeai::image {

inline constexpr char32_t kReplacement = 0xFFFD;

/// Calls `visit(char32_t)` for every code point; each byte that is not UTF-8 counts as U+FFFD.
template <class Visit>
void for_each_code_point(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    utf8proc_int32_t point = 0;
    const auto used = utf8proc_iterate(reinterpret_cast<const std::uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &point);
    visit(used > 0 ? static_cast<char32_t>(point) : kReplacement);
    text.remove_prefix(used > 0 ? static_cast<std::size_t>(used) : 1);
  }
}

inline void append_utf8(std::string& text, char32_t point) {
  std::uint8_t bytes[4];
  const auto count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(point), bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
}

}  // namespace invokeai::image
