#include "image/python_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "image/internal/utf8.h"

namespace invokeai::image {
namespace {

constexpr std::string_view kEscaped = "\"\\\n\r\t\b\f";  // characters with a short escape, and
constexpr std::string_view kLetters = "\"\\nrtbf";       // what follows the backslash there

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for_each_code_point(text, [&](char32_t point) {
    const auto code = static_cast<std::uint32_t>(point);
    if (const auto i = code < 0x80 ? kEscaped.find(static_cast<char>(code)) : kEscaped.npos;
        i != kEscaped.npos) {
      (out += '\\') += kLetters[i];
      return;
    }
    if (code >= 0x20 && code < 0x80)
      out += static_cast<char>(code);
    else if (code < 0x10000)
      out += fmt::format("\\u{:04x}", code);
    else
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD7C0 + (code >> 10), 0xDC00 + (code & 0x3FF));
  });
  out += '"';
}

void append_value(std::string& out, const nlohmann::ordered_json& value) {
  const char* separator = "";
  if (value.is_object()) {
    out += '{';
    for (const auto& [key, member] : value.items()) {
      out += separator;
      append_string(out, key);
      out += ": ";
      append_value(out, member);
      separator = ", ";
    }
    out += '}';
  } else if (value.is_array()) {
    out += '[';
    for (const auto& element : value) {
      out += separator;
      append_value(out, element);
      separator = ", ";
    }
    out += ']';
  } else if (value.is_string()) {
    append_string(out, value.get_ref<const std::string&>());
  } else if (value.is_number_float()) {
    const double number = value.get<double>();
    out += std::isfinite(number) ? python_float(number) : "null";
  } else {
    out += value.dump();
  }
}

}  // namespace

std::string python_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  const double size = std::abs(value);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(digits, end.ptr);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string python_json(const nlohmann::ordered_json& value) {
  std::string out;
  append_value(out, value);
  return out;
}

}  // namespace invokeai::image
