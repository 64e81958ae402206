#include "server/file_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

namespace invokeai::server {
namespace {

constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// `*` or a list of tags, weak ones counting as strong.
bool holds_tag(std::string_view list, const std::string& tag) {
  if (trimmed(list) == "*") return true;
  while (!list.empty()) {
    std::string_view one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), one.size() + 1));
    one = trimmed(one);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == tag) return true;
  }
  return false;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_unchanged(const FileFacts& facts, const FileConditions& conditions) {
  if (!conditions.if_none_match.empty()) return holds_tag(conditions.if_none_match, etag_of(facts));
  const auto since = parse_http_date(conditions.if_modified_since);
  return since && facts.modified_ns / 1'000'000'000 <= *since;
}

/// First byte and length of "bytes=a-b", "bytes=a-" or "bytes=-n"; nothing for other texts. A length
/// of 0 says that the range lies outside of the file.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_range(std::string_view range,
                                                                   std::uint64_t size) {
  if (!range.starts_with("bytes=")) return std::nullopt;
  range = trimmed(range.substr(6));
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos || range.find(',') != std::string_view::npos)
    return std::nullopt;
  const auto first = number(range.substr(0, dash)), last = number(range.substr(dash + 1));
  if (dash == 0) {
    if (!last) return std::nullopt;
    const std::uint64_t length = std::min(*last, size);
    return std::pair{size - length, length};
  }
  const bool open = dash + 1 == range.size();
  if (!first || (!open && !last) || (last && *last < *first)) return std::nullopt;
  if (*first >= size) return std::pair{std::uint64_t{0}, std::uint64_t{0}};
  return std::pair{*first, (open ? size - 1 : std::min(*last, size - 1)) - *first + 1};
}

}  // namespace

std::string etag_of(const FileFacts& facts) {
  return fmt::format("\"{:x}-{:x}\"", facts.modified_ns, facts.size);
}

FileAnswer plan_file(const FileFacts& facts, const FileConditions& conditions) {
  if (is_unchanged(facts, conditions)) return {304, 0, 0, ""};
  const FileAnswer whole{200, 0, facts.size, ""};
  if (conditions.range.empty()) return whole;
  if (!conditions.if_range.empty() && conditions.if_range != etag_of(facts) &&
      conditions.if_range != http_date(facts.modified_ns / 1'000'000'000))
    return whole;
  const auto range = parse_range(conditions.range, facts.size);
  if (!range) return whole;
  if (range->second == 0) return {416, 0, 0, fmt::format("bytes */{}", facts.size)};
  return {206, range->first, range->second,
          fmt::format("bytes {}-{}/{}", range->first, range->first + range->second - 1, facts.size)};
}

std::string http_date(std::time_t seconds) {
  std::tm t{};
  ::gmtime_r(&seconds, &t);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays.at(t.tm_wday), t.tm_mday,
                     kMonths.at(t.tm_mon), t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

std::optional<std::time_t> parse_http_date(std::string_view text) {
  // The one form that is still written: "Sun, 06 Nov 1994 08:49:37 GMT".
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const auto day = number(text.substr(5, 2)), year = number(text.substr(12, 4));
  const auto hour = number(text.substr(17, 2)), minute = number(text.substr(20, 2));
  const auto second = number(text.substr(23, 2));
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  std::tm t{};
  t.tm_mday = static_cast<int>(*day);
  t.tm_mon = static_cast<int>(month - kMonths.begin());
  t.tm_year = static_cast<int>(*year) - 1900;
  t.tm_hour = static_cast<int>(*hour);
  t.tm_min = static_cast<int>(*minute);
  t.tm_sec = static_cast<int>(*second);
  return ::timegm(&t);
}

std::string content_type_of(const fs::path& path) {
  static const std::map<std::string, std::string> types{
      {".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"}, {".css", "text/css; charset=utf-8"},
      {".json", "application/json"}, {".map", "application/json"},
      {".webmanifest", "application/manifest+json"}, {".txt", "text/plain; charset=utf-8"},
      {".png", "image/png"}, {".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"},
      {".webp", "image/webp"}, {".gif", "image/gif"}, {".svg", "image/svg+xml"},
      {".ico", "image/x-icon"}, {".ttf", "font/ttf"}, {".otf", "font/otf"}, {".woff", "font/woff"},
      {".woff2", "font/woff2"}, {".wasm", "application/wasm"}};
  std::string extension = path.extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto found = types.find(extension);
  return found == types.end() ? "application/octet-stream" : found->second;
}

}  // namespace invokeai::server
