#include "text/internal/html_entities.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>

#include "text/internal/code_pages.h"

namespace invokeai::text {
namespace {

struct Entity {
  std::string_view name;
  std::u32string_view text;
};

constexpr Entity kEntities[] = {
#include "text/internal/html_entity_table.inc"
};

constexpr std::size_t kLongestReference = 24;  // between "&" (or "&#") and ";"

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_alphanumeric(char32_t c) {
  return is_digit(c) || (c >= U'A' && c <= U'Z') || (c >= U'a' && c <= U'z');
}

/// Code points that the HTML standard calls parse errors and that vanish here.
bool is_dropped(std::uint32_t c) {
  return c <= 0x8 || c == 0xB || (c >= 0xE && c <= 0x1F) || (c >= 0x7F && c <= 0x9F) ||
         (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE;
}

/// What a numeric reference stands for (HTML standard, "numeric character reference end state").
std::u32string numeric_text(std::uint32_t value) {
  if (value == 0 || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return U"\uFFFD";
  if (value >= 0x80 && value <= 0x9F) return {windows_1252(static_cast<std::uint8_t>(value))};
  if (is_dropped(value)) return {};
  return {static_cast<char32_t>(value)};
}

/// `body` is what stands between "&#" and ";". A reference to the semicolon itself stays as it is,
/// as in the reference.
std::optional<std::u32string> decode_numeric(std::u32string_view body) {
  const bool hex = body[0] == U'x' || body[0] == U'X';
  if (hex) body.remove_prefix(1);
  if (body.empty()) return std::nullopt;
  std::uint32_t value = 0;
  for (const char32_t c : body) {
    const char32_t lower = c | 0x20;
    const bool letter = hex && lower >= U'a' && lower <= U'f';
    if (!is_digit(c) && !letter) return std::nullopt;
    const std::uint32_t digit = letter ? lower - U'a' + 10 : c - U'0';
    value = std::min<std::uint32_t>(value * (hex ? 16 : 10) + digit, 0x110000);
  }
  if (value == U';') return std::nullopt;
  return numeric_text(value);
}

std::optional<std::u32string> decode_named(std::u32string_view body) {
  const std::string name(body.begin(), body.end());
  const auto* place = std::lower_bound(
      std::begin(kEntities), std::end(kEntities), name,
      [](const Entity& entity, const std::string& wanted) { return entity.name < wanted; });
  if (place == std::end(kEntities) || place->name != name) return std::nullopt;
  return std::u32string(place->text);
}

}  // namespace

std::u32string unescape_html(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != U'&') {
      out += text[i++];
      continue;
    }
    const bool numeric = i + 1 < text.size() && text[i + 1] == U'#';
    const std::size_t begin = i + (numeric ? 2 : 1);
    std::size_t end = begin;
    while (end < text.size() && end - begin < kLongestReference && is_alphanumeric(text[end]))
      ++end;
    std::optional<std::u32string> decoded;
    if (end > begin && end < text.size() && text[end] == U';') {
      const std::u32string_view body = text.substr(begin, end - begin);
      decoded = numeric ? decode_numeric(body) : decode_named(body);
    }
    if (decoded) {
      out += *decoded;
      i = end + 1;
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace invokeai::text
