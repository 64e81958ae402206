#include "text/normalize.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "text/internal/html_entities.h"
#include "text/internal/mojibake.h"

namespace invokeai::text {
namespace {

// Every round strips one layer of damage. Real text needs two or three; the bound keeps a prompt
// like "&amp;amp;amp;..." from taking time that grows with the square of its length.
constexpr int kMostRounds = 64;
constexpr std::size_t kLongestSegment = 1'000'000;  // longer lines are treated in parts

struct Spelling {
  char32_t from;
  std::u32string_view to;
};

constexpr std::array kLigatures = {
    Spelling{U'\u0132', U"IJ"},      Spelling{U'\u0133', U"ij"},
    Spelling{U'\u0149', U"\u02BCn"}, Spelling{U'\u01C4', U"D\u017D"},
    Spelling{U'\u01C5', U"D\u017E"}, Spelling{U'\u01C6', U"d\u017E"},
    Spelling{U'\u01C7', U"LJ"},      Spelling{U'\u01C8', U"Lj"},
    Spelling{U'\u01C9', U"lj"},      Spelling{U'\u01CA', U"NJ"},
    Spelling{U'\u01CB', U"Nj"},      Spelling{U'\u01CC', U"nj"},
    Spelling{U'\u01F1', U"DZ"},      Spelling{U'\u01F2', U"Dz"},
    Spelling{U'\u01F3', U"dz"},      Spelling{U'\uFB00', U"ff"},
    Spelling{U'\uFB01', U"fi"},      Spelling{U'\uFB02', U"fl"},
    Spelling{U'\uFB03', U"ffi"},     Spelling{U'\uFB04', U"ffl"},
    Spelling{U'\uFB05', U"\u017Ft"}, Spelling{U'\uFB06', U"st"},
};

bool in(char32_t c, char32_t first, char32_t last) { return c >= first && c <= last; }

/// NFKC of one full-width or half-width form.
const std::u32string& standard_width(char32_t c) {
  static const std::vector<std::u32string> forms = [] {
    std::vector<std::u32string> made;
    for (char32_t each = 0xFF01; each <= 0xFFEF; ++each) {
      std::array<utf8proc_int32_t, 8> parts{};
      int boundary = 0;
      const auto count = utf8proc_decompose_char(
          static_cast<utf8proc_int32_t>(each), parts.data(), parts.size(),
          static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT), &boundary);
      made.push_back(to_nfc(std::u32string(parts.begin(), parts.begin() + count)));
    }
    return made;
  }();
  return forms[c - 0xFF01];
}

/// Ligatures, widths and quotation marks: one character after the other.
std::u32string replace_characters(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t c : text) {
    const auto* ligature = std::find_if(kLigatures.begin(), kLigatures.end(),
                                        [&](const Spelling& each) { return each.from == c; });
    if (ligature != kLigatures.end())
      out += ligature->to;
    else if (in(c, 0xFF01, 0xFFEF))
      out += standard_width(c);
    else
      out += c == 0x3000 ? U' ' : c;
  }
  for (char32_t& c : out) {
    if (in(c, 0x201C, 0x201F)) c = U'"';
    if (c == 0x02BC || in(c, 0x2018, 0x201B)) c = U'\'';
  }
  return out;
}

std::u32string unify_line_breaks(std::u32string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == U'\r' && i + 1 < text.size() && text[i + 1] == U'\n') continue;
    const bool is_break = text[i] == U'\r' || text[i] == 0x85 || in(text[i], 0x2028, 0x2029);
    out += is_break ? U'\n' : text[i];
  }
  return out;
}

/// Length of a terminal's colour or cursor command at `i`, or 0.
std::size_t escape_length(std::u32string_view text, std::size_t i) {
  if (!text.substr(i).starts_with(U"\x1B[")) return 0;
  // The reference's pattern takes decimal digits of every script.
  const auto is_parameter = [](char32_t c) {
    return c == U';' || utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_ND;
  };
  std::size_t end = i + 2;
  while (end < text.size() && is_parameter(text[end])) ++end;
  const bool closed = end < text.size() && in(text[end] | 0x20, U'a', U'z') && text[end] < 0x80;
  return closed ? end + 1 - i : 0;
}

bool is_unwanted_control(char32_t c) {
  return c <= 0x08 || c == 0x0B || in(c, 0x0E, 0x1F) || c == 0x7F || in(c, 0x206A, 0x206F) ||
         c == 0xFEFF || in(c, 0xFFF9, 0xFFFC);
}

std::u32string remove_controls(std::u32string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t escape = escape_length(text, i);
    if (escape == 0 && !is_unwanted_control(text[i])) out += text[i];
    i += std::max<std::size_t>(escape, 1);
  }
  return out;
}

std::u32string clean_segment(std::u32string_view segment, bool decode_entities) {
  std::u32string current(segment);
  for (int round = 0; round < kMostRounds; ++round) {
    std::u32string next = decode_entities ? unescape_html(current) : current;
    next = replace_c1_controls(repair_mojibake(next));
    next = to_nfc(remove_controls(unify_line_breaks(replace_characters(next))));
    if (next == current) break;
    current = std::move(next);
  }
  return current;
}

/// Characters that count as cased letters without being Lu, Ll or Lt (Unicode's Other_Uppercase and
/// Other_Lowercase, as far as they are not skipped as case-ignorable).
bool is_cased(char32_t c) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  if (category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
      category == UTF8PROC_CATEGORY_LT)
    return true;
  return c == 0xAA || c == 0xBA || in(c, 0x2160, 0x217F) || in(c, 0x24B6, 0x24E9) ||
         in(c, 0x1F130, 0x1F149) || in(c, 0x1F150, 0x1F169) || in(c, 0x1F170, 0x1F189);
}

bool is_case_ignorable(char32_t c) {
  static constexpr std::u32string_view kInsideWords =
      U"'.:\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E\uFF1A";
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return kInsideWords.find(c) != std::u32string_view::npos;
  }
}

/// A sigma is final when a cased letter comes before it and none after it, whatever is ignorable
/// between them (Unicode SpecialCasing, Final_Sigma).
bool is_final_sigma(std::u32string_view text, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  std::size_t after = at + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

}  // namespace

std::u32string clean_up(std::u32string_view piece) {
  std::u32string out;
  bool decode_entities = true;
  for (std::size_t begin = 0; begin < piece.size();) {
    std::size_t end = piece.find(U'\n', begin);
    end = end == std::u32string_view::npos ? piece.size() : end + 1;
    const std::u32string_view segment = piece.substr(begin, std::min(end - begin, kLongestSegment));
    if (segment.find(U'<') != std::u32string_view::npos) decode_entities = false;
    out += clean_segment(segment, decode_entities);
    begin += segment.size();
  }
  return out;
}

std::u32string collapse_white_space(std::u32string_view text) {
  std::u32string out;
  bool gap = false;
  for (const char32_t c : text) {
    if (is_white_space(c)) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out += U' ';
    gap = false;
    out += c;
  }
  return out;
}

std::u32string to_lower(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (c == 0x0130)
      out += U"i\u0307";
    else if (c == 0x03A3)
      out += is_final_sigma(text, i) ? U'\u03C2' : U'\u03C3';
    else
      out += static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
  }
  return out;
}

std::u32string to_nfc(std::u32string_view text) {
  // Nothing below U+0300 combines or decomposes under NFC.
  if (std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x300; }))
    return std::u32string(text);
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
  std::vector<utf8proc_int32_t> points;
  for (const char32_t c : text) {
    std::array<utf8proc_int32_t, 8> parts{};
    int boundary = 0;
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts.data(),
                                               parts.size(), options, &boundary);
    points.insert(points.end(), parts.begin(),
                  parts.begin() + std::max<utf8proc_ssize_t>(count, 0));
  }
  const auto combining = [](utf8proc_int32_t c) {
    return utf8proc_get_property(c)->combining_class;
  };
  for (auto begin = points.begin(); begin != points.end();) {
    const auto end = std::find_if(begin, points.end(), [&](auto c) { return combining(c) == 0; });
    std::stable_sort(begin, end, [&](auto a, auto b) { return combining(a) < combining(b); });
    begin = end == points.end() ? end : end + 1;
  }
  const auto count =
      utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  return {points.begin(), points.begin() + std::max<utf8proc_ssize_t>(count, 0)};
}

bool is_white_space(char32_t c) {
  return in(c, 0x09, 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         in(c, 0x2000, 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_letter(char32_t c) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool is_number(char32_t c) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

}  // namespace invokeai::text
