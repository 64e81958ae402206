#include "text/internal/mojibake.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/utf8.h"
#include "text/internal/code_pages.h"
#include "text/internal/mojibake_classes.h"

namespace invokeai::text {
namespace {

std::uint8_t byte_at(std::string_view bytes, std::size_t i) {
  return i < bytes.size() ? static_cast<std::uint8_t>(bytes[i]) : 0;
}

bool is_continuation(std::uint8_t byte) { return (byte & 0xC0) == 0x80; }

/// Bytes that a space may replace when it stands beside them in a sequence of three; 0x85 and 0xA0
/// look like white space themselves.
bool is_plain_continuation(std::uint8_t byte) {
  return is_continuation(byte) && byte != 0x85 && byte != 0xA0;
}

/// Length of a UTF-8 sequence at `i` that would be complete if its one space were byte 0xA0, or 0.
/// Only sequences whose characters are likely in real text count.
std::size_t spaced_sequence(std::string_view bytes, std::size_t i) {
  const std::uint8_t b0 = byte_at(bytes, i), b1 = byte_at(bytes, i + 1), b2 = byte_at(bytes, i + 2),
                     b3 = byte_at(bytes, i + 3);
  switch (b0) {
    case 0xC2:
    case 0xC3:
    case 0xC5:
    case 0xCE:
    case 0xD0:
    case 0xD9:
      return b1 == ' ' ? 2 : 0;
    case 0xE0:
    case 0xE1:
    case 0xE2:
    case 0xE3:
      if (b0 >= 0xE2 && b1 == ' ' && is_plain_continuation(b2)) return 3;
      return is_plain_continuation(b1) && b2 == ' ' ? 3 : 0;
    case 0xF0: {
      const int spaces = (b1 == ' ') + (b2 == ' ') + (b3 == ' ');
      const int others = is_continuation(b1) + is_continuation(b2) + is_continuation(b3);
      return spaces == 1 && others == 2 ? 4 : 0;
    }
    default:
      return 0;
  }
}

/// "Ã " before a word is the French, Portuguese or Italian "à " that lost its no-break space; the
/// words listed swallowed only the one byte ("àquele") and are handled by spaced_sequence.
std::string restore_a_grave(std::string_view bytes) {
  static constexpr std::array<std::string_view, 5> kGlued = {" ", "quele", "quela", "quilo", "s "};
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out += bytes[i];
    if (!bytes.substr(i).starts_with("\xC3 ")) continue;
    const std::string_view next = bytes.substr(i + 2);
    if (std::none_of(kGlued.begin(), kGlued.end(),
                     [&](std::string_view word) { return next.starts_with(word); }))
      out += '\xA0';
  }
  return out;
}

/// Puts byte 0xA0 back where a program wrote a plain space for it.
std::string restore_spaces(std::string bytes) {
  const auto any = [&] {
    for (std::size_t i = 0; i < bytes.size(); ++i)
      if (spaced_sequence(bytes, i) > 0) return true;
    return false;
  };
  if (!any()) return bytes;
  bytes = restore_a_grave(bytes);
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t length = spaced_sequence(bytes, i);
    std::replace(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                 bytes.begin() + static_cast<std::ptrdiff_t>(i + length), ' ', '\xA0');
    i += std::max<std::size_t>(length, 1);
  }
  return bytes;
}

constexpr std::uint8_t kLost = 0x1A;  // a byte of which only U+FFFD was left

bool is_lost(std::uint8_t byte) { return byte == kLost || byte == '?'; }
bool is_kept_or_lost(std::uint8_t byte) { return byte == kLost || is_continuation(byte); }

/// Length of a UTF-8 (or surrogate pair) sequence at `i` in which at least one byte was lost, or 0.
/// A question mark may stand for one lost byte.
std::size_t lossy_sequence(std::string_view bytes, std::size_t i) {
  const std::uint8_t b0 = byte_at(bytes, i);
  if (b0 == kLost) return 1;
  if (b0 < 0xC2 || b0 > 0xF4) return 0;
  std::array<std::uint8_t, 5> b{};
  for (std::size_t k = 0; k < b.size(); ++k) b[k] = byte_at(bytes, i + k);
  if (b0 < 0xE0) return b[1] == kLost || (b0 <= 0xC3 && b[1] == '?') ? 2 : 0;
  const auto within = [](std::uint8_t byte, int low, int high) {
    return byte >= low && byte <= high;
  };
  if (b0 == 0xED && within(b[1], 0xA0, 0xAF) && b[3] == 0xED &&
      within(byte_at(bytes, i + 4), 0xB0, 0xBF)) {
    const std::uint8_t last = byte_at(bytes, i + 5);
    const auto fits = [](std::uint8_t byte) { return is_lost(byte) || is_continuation(byte); };
    if (fits(b[2]) && fits(last) && (is_lost(b[2]) || is_lost(last))) return 6;
  }
  const std::size_t length = b0 < 0xF0 ? 3 : 4;
  int lost = 0;
  int marks = 0;
  for (std::size_t k = 1; k < length; ++k) {
    if (b[k] != '?' && !is_kept_or_lost(b[k])) return 0;
    lost += b[k] == kLost;
    marks += b[k] == '?';
  }
  return marks + (lost > 0) > 0 && marks <= 1 ? length : 0;
}

std::string replace_lossy_sequences(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t length = lossy_sequence(bytes, i);
    if (length > 0)
      out += "\xEF\xBF\xBD";
    else
      out += bytes[i];
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

/// Code point of two surrogates that were each encoded like a character (CESU-8), or 0.
char32_t surrogate_pair(std::string_view bytes, std::size_t i) {
  std::array<std::uint8_t, 6> b{};
  for (std::size_t k = 0; k < b.size(); ++k) b[k] = byte_at(bytes, i + k);
  const bool fits = b[0] == 0xED && (b[1] & 0xF0) == 0xA0 && is_continuation(b[2]) &&
                    b[3] == 0xED && (b[4] & 0xF0) == 0xB0 && is_continuation(b[5]);
  if (!fits) return 0;
  return 0x10000u + ((b[1] & 0x0Fu) << 16) + ((b[2] & 0x3Fu) << 10) + ((b[4] & 0x0Fu) << 6) +
         (b[5] & 0x3Fu);
}

/// Strict UTF-8, but also Java's two-byte NUL and surrogate pairs.
std::optional<std::u32string> decode_utf8_variants(std::string_view bytes) {
  std::string plain;
  for (std::size_t i = 0; i < bytes.size();) {
    if (const char32_t pair = surrogate_pair(bytes, i); pair != 0) {
      append_utf8(plain, pair);
      i += 6;
    } else if (bytes.substr(i).starts_with("\xC0\x80")) {
      plain += '\0';
      i += 2;
    } else {
      plain += bytes[i++];
    }
  }
  if (!check_utf8(plain)) return std::nullopt;
  return decode_utf8(plain);
}

/// The whole text as UTF-8 read in one of the code pages.
std::optional<std::u32string> undo_misreading(std::u32string_view text) {
  for (const CodePage& page : misread_code_pages()) {
    std::optional<std::string> bytes = page.encode(text);
    if (!bytes) continue;
    *bytes = restore_spaces(std::move(*bytes));
    if (page.forgiving()) *bytes = replace_lossy_sequences(*bytes);
    if (auto decoded = decode_utf8_variants(*bytes)) return decoded;
  }
  return std::nullopt;
}

/// Length of a run of characters at `i` that are UTF-8 sequences in some code page; 0 if none.
std::size_t utf8_like_run(std::u32string_view text, std::size_t i) {
  const std::size_t begin = i;
  while (i < text.size()) {
    const std::uint32_t classes = classes_of(text[i]);
    const std::size_t more = (classes & kFirstOf2)   ? 1
                             : (classes & kFirstOf3) ? 2
                             : (classes & kFirstOf4) ? 3
                                                     : 0;
    if (more == 0 || i + more >= text.size()) break;
    for (std::size_t k = 1; k <= more; ++k)
      if ((classes_of(text[i + k]) & kContinuation) == 0) return i - begin;
    i += 1 + more;
  }
  return i - begin;
}

/// Repairs the misread parts of a text whose other parts are right.
std::u32string repair_parts(std::u32string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const bool inside = i > 0 && (classes_of(text[i - 1]) & kStrictContinuation) != 0;
    const std::size_t length = inside ? 0 : utf8_like_run(text, i);
    const std::u32string_view part = text.substr(i, length);
    if (length > 0 && length < text.size() && looks_misread(part))
      out += repair_mojibake(part);
    else
      out += text.substr(i, std::max<std::size_t>(length, 1));
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

std::u32string repair_once(std::u32string_view text) {
  if (!looks_misread(text)) return std::u32string(text);
  if (auto decoded = undo_misreading(text)) return *decoded;
  std::u32string parts = repair_parts(text);
  return parts != text ? parts : replace_c1_controls(text);
}

}  // namespace

std::u32string repair_mojibake(std::u32string_view text) {
  std::u32string current(text);
  while (true) {
    std::u32string next = repair_once(current);
    if (next == current) return current;
    current = std::move(next);
  }
}

std::u32string replace_c1_controls(std::u32string_view text) {
  std::u32string out(text);
  for (char32_t& c : out)
    if (c >= 0x80 && c <= 0x9F) c = windows_1252(static_cast<std::uint8_t>(c));
  return out;
}

}  // namespace invokeai::text
