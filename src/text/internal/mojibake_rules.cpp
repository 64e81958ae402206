// Which neighbours betray misread text: looks_misread of mojibake.h.

#include <algorithm>
#include <vector>

#include "text/internal/mojibake.h"
#include "text/internal/mojibake_classes.h"

namespace invokeai::text {
namespace {

/// One place of a rule: a character of these classes or one of these characters, or with `except`
/// any character that is neither.
struct Place {
  std::uint32_t classes = 0;
  std::u32string_view characters = {};
  bool except = false;

  bool holds(char32_t c, std::uint32_t its_classes) const {
    const bool listed =
        (its_classes & classes) != 0 || characters.find(c) != std::u32string_view::npos;
    return listed != except;
  }
};

using Rule = std::vector<Place>;

constexpr std::uint32_t kAccented = kLowerAccented | kUpperAccented;
constexpr std::uint32_t kMarks = kStartPunctuation | kEndPunctuation | kCurrency;
constexpr std::uint32_t kSymbols = kAccented | kBox | kMarks | kNumeric;
constexpr std::uint32_t kAscii = kAsciiUpper | kAsciiLower;

const std::vector<Rule>& rules() {
  constexpr std::u32string_view kAfterArabicLead = U"ŸŠ®°µ»";
  const Place arabic_lead{0, U"ØÙ"};
  const Place arabic_tail{kCommon | kCurrency | kBad | kNumeric | kStartPunctuation,
                          kAfterArabicLead};
  const Place cyrillic_lead{0, U"ВГРС"};
  const Place greek_lead{0, U"ΒΓΞΟ"};
  const std::uint32_t high_punctuation = kC1 | kBad | kMarks;
  static const std::vector<Rule> list = {
      // Neighbours told by class alone.
      {{kC1}},
      {{kSymbols | kBad}, {kBad}},
      {{kAscii}, {kLowerCommon | kUpperCommon}, {kBad}},
      {{kBad}, {kSymbols}},
      {{kLowerAccented | kLowerCommon | kBox | kEndPunctuation | kCurrency | kNumeric},
       {kUpperAccented}},
      {{kBox | kEndPunctuation | kCurrency | kNumeric}, {kLowerAccented}},
      {{kLowerAccented | kBox | kEndPunctuation}, {kCurrency}},
      {{kBlank}, {kUpperAccented}, {kCurrency}},
      {{kUpperAccented | kBox}, {kNumeric}},
      {{kAccented | kBox | kCurrency | kEndPunctuation}, {kStartPunctuation}, {kNumeric}},
      {{kAccented | kCurrency | kNumeric | kBox}, {kEndPunctuation}, {kStartPunctuation}},
      {{kCurrency | kNumeric | kBox}, {kStartPunctuation}},
      {{kAsciiLower}, {kUpperAccented}, {kStartPunctuation | kCurrency}},
      {{kBox}, {kKaomoji}},
      {{kAccented | kMarks | kNumeric}, {kBox}},
      {{kBox}, {kEndPunctuation}},
      {{kAccented}, {kEndPunctuation}, {kWord}},
      // Windows-1252: a ligature that no plain letter follows, lead bytes with frequent followers.
      {{0, U"Œœ"}, {kAscii, {}, true}},
      {{0, U"ÂÃÎÐ"}, {kStartPunctuation | kEndPunctuation, U"€Šš¢£Ÿž\u00A0\u00AD®©°·»–—´"}},
      {{0, U"×"}, {0, U"²³"}},
      {arabic_lead, arabic_tail, arabic_lead, arabic_tail},
      {{0, U"à"}, {0, U"²µ¹¼½¾"}},  // South Asian scripts
      // Mac Roman.
      {{0, U"√"}, {0, U"±∂†≠®™´≤≥¥µø"}},
      {{0, U"≈"}, {0, U"°¢"}},
      {{0, U"‚"}, {0, U"Ä"}, {0, U"ìîïòôúùû†°¢π"}},
      {{0, U"‚"}, {0, U"âó"}, {0, U"àä°ê"}},
      // Windows-1251.
      {{0, U"в"}, {0, U"Ђ"}},
      {cyrillic_lead, {high_punctuation, U"°µ"}, cyrillic_lead},
      {{0, U"Г"}, {0, U"ў"}, {0, U"В"}, {0, U"Ђ"}, {0, U"В"}, {0, U"\n", true}, {kAscii, U" "}},
      // Windows-1252 forms of the no-break space and of letters that lost theirs.
      {{0, U"Ã"}, {0, U"\u00A0¡"}},
      {{kAsciiLower}, {0, U"ÃÂ"}, {0, U" "}},
      {{kAsciiLower}, {kBlank}, {0, U"ÃÂ"}, {0, U" "}},
      {{kAsciiLower | kEndPunctuation, U".,?!"},
       {0, U"Â"},
       {kStartPunctuation | kEndPunctuation, U" "}},
      // Windows-1253.
      {{0, U"β"}, {0, U"€"}, {0, U"™\u00A0Ά\u00AD®°"}},
      {greek_lead, {high_punctuation, U"°"}, greek_lead},
  };
  return list;
}

}  // namespace

bool looks_misread(std::u32string_view text) {
  if (std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x80; })) return false;
  if (text.starts_with(U"Ã ") || text.starts_with(U"Â ")) return true;
  std::vector<std::uint32_t> classes(text.size());
  std::transform(text.begin(), text.end(), classes.begin(), classes_of);
  const auto applies = [&](const Rule& rule, std::size_t at) {
    if (rule.size() > text.size() - at) return false;
    for (std::size_t i = 0; i < rule.size(); ++i)
      if (!rule[i].holds(text[at + i], classes[at + i])) return false;
    return true;
  };
  for (std::size_t at = 0; at < text.size(); ++at)
    for (const Rule& rule : rules())
      if (applies(rule, at)) return true;
  return false;
}

}  // namespace invokeai::text
