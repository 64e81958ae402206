#include "text/internal/source_text.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace invokeai::text::internal {

SourceText::SourceText(std::string_view text) : text_(text) {
  columns_.reserve(text.size());
  std::uint32_t column = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++column;  // not a UTF-8 continuation byte
    columns_.push_back(std::max(column, 1u));
  }
}

std::size_t SourceText::column(std::size_t at) const {
  if (at < columns_.size()) return columns_[at];
  return columns_.empty() ? 1 : columns_.back() + 1;
}

bool SourceText::blank() const { return std::all_of(text_.begin(), text_.end(), is_blank); }

void SourceText::append(const SourceText& from, std::size_t begin, std::size_t end) {
  text_.append(from.text_, begin, end - begin);
  columns_.insert(columns_.end(), from.columns_.begin() + static_cast<std::ptrdiff_t>(begin),
                  from.columns_.begin() + static_cast<std::ptrdiff_t>(end));
}

void SourceText::push_back(char c, std::size_t column) {
  text_.push_back(c);
  columns_.push_back(static_cast<std::uint32_t>(column));
}

SplitText split_negative(const SourceText& prompt) {
  const std::string& text = prompt.text();
  SplitText result;
  SourceText kept;
  std::size_t begin = 0;
  std::size_t stop = 0;  // where a `[` before it would find its `]` or the line end
  for (std::size_t open = text.find('['); open != std::string::npos; open = text.find('[', open)) {
    if (stop <= open) stop = std::min(text.find_first_of("]\n", open), text.size());
    if (stop == text.size() || text[stop] == '\n') {
      ++open;
      continue;
    }
    kept.append(prompt, begin, open);
    kept.push_back(' ', prompt.column(open));
    if (begin > 0) result.negative.push_back(' ', prompt.column(open));
    result.negative.append(prompt, open + 1, stop);
    open = begin = stop + 1;
  }
  if (begin == 0) return {prompt, {}};
  kept.append(prompt, begin, text.size());
  for (std::size_t i = 0; i < kept.size(); ++i)
    if (kept.text()[i] != ' ' || i == 0 || kept.text()[i - 1] != ' ')
      result.positive.append(kept, i, i + 1);
  return result;
}

namespace {

/// End of `-?digits[.digits]`, or `at` when there is none.
std::size_t legacy_number_end(const std::string& text, std::size_t at) {
  const auto digits = [&](std::size_t i) {
    while (i < text.size() && is_digit(text[i])) ++i;
    return i;
  };
  const std::size_t first = at < text.size() && text[at] == '-' ? at + 1 : at;
  const std::size_t end = digits(first);
  if (end == first) return at;
  if (end >= text.size() || text[end] != '.') return end;
  const std::size_t fraction = digits(end + 1);
  return fraction > end + 1 ? fraction : end;
}

}  // namespace

std::vector<LegacyPart> split_legacy_blend(const SourceText& source) {
  const std::string& text = source.text();
  std::vector<LegacyPart> parts;
  std::size_t at = 0;
  while (true) {
    while (at < text.size() && text[at] == ':') ++at;
    if (at >= text.size()) return parts;
    LegacyPart part;
    for (; at < text.size() && text[at] != ':'; ++at) {
      if (text.compare(at, 2, "\\:") == 0) ++at;
      part.text.push_back(text[at], source.column(at));
    }
    if (at < text.size()) {
      part.colon_column = source.column(at);
      while (at < text.size() && text[at] == ':') ++at;
      const std::size_t end = legacy_number_end(text, at);
      if (end > at) part.weight = to_number(std::string_view(text).substr(at, end - at));
      at = end;
      while (at < text.size() && is_blank(text[at])) ++at;
    }
    parts.push_back(std::move(part));
  }
}

double to_number(std::string_view digits) {
  if (digits.substr(0, 1) == "+") digits.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc::result_out_of_range) return value;
  const std::size_t first = digits.find_first_of("123456789.");
  if (first == std::string_view::npos || digits[first] == '.') return 0;  // too small
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return digits[0] == '-' ? -kInfinity : kInfinity;
}

}  // namespace invokeai::text::internal
