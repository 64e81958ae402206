#include "image/internal/foreign_json.h"

#include <charconv>
#include <cmath>

#include "image/python_text.h"

namespace invokeai::image {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{8} << 20;
constexpr int kMaxDepth = 200;

/// Length of a word Python writes for a number that JSON does not know; 0 when there is none.
std::size_t python_number_length(std::string_view text) {
  for (const std::string_view word : {"NaN", "Infinity", "-Infinity"})
    if (text.starts_with(word)) return word.size();
  return 0;
}

/// The text as JSON proper; nothing when it is nested too deeply.
std::optional<std::string> strict_json(std::string_view text) {
  std::string strict;
  strict.reserve(text.size());
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      strict += c;
      if (c == '\\' && i + 1 < text.size()) strict += text[++i];
      if (c == '"') quoted = false;
      continue;
    }
    if (const auto length = python_number_length(text.substr(i)); length > 0) {
      strict += "null";
      i += length - 1;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > kMaxDepth) return std::nullopt;
    strict += c;
  }
  return strict;
}

template <class Number>
std::optional<Number> parse_all(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Json> parse_foreign_json(std::string_view text) {
  if (text.size() > kMaxBytes) return std::nullopt;
  const auto strict = strict_json(text);
  if (!strict) return std::nullopt;
  Json json = Json::parse(*strict, nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

const Json& member(const Json& object, std::string_view key) {
  static const Json null;
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

const Json& member(const Json& object, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys)
    if (const Json& value = member(object, key); !value.is_null()) return value;
  return member(Json(), "");
}

std::optional<std::string> as_text(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  return without_controls(value.get_ref<const std::string&>());
}

std::optional<double> as_number(const Json& value) {
  if (value.is_string()) return parse_number(value.get_ref<const std::string&>());
  if (!value.is_number()) return std::nullopt;
  const double number = value.get<double>();
  if (!std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> as_whole(const Json& value) {
  if (value.is_string()) return parse_whole(value.get_ref<const std::string&>());
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (value.is_number_integer() && value.get<std::int64_t>() >= 0)
    return value.get<std::uint64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();
  if (!(number >= 0 && number < 9007199254740992.0)) return std::nullopt;  // exact up to 2^53
  return static_cast<std::uint64_t>(number);
}

bool as_flag(const Json& value) {
  return value.is_boolean() ? value.get<bool>() : value.is_number() && as_number(value) != 0.0;
}

std::string described(const Json& value) {
  if (const auto text = as_text(value)) return *text;
  if (value.is_number_float()) return python_float(value.get<double>());
  if (value.is_number() || value.is_boolean()) return value.dump();
  return value.type_name();
}

std::string without_controls(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F) c = ' ';
  }
  return clean;
}

std::optional<double> parse_number(std::string_view text) {
  const auto value = parse_all<double>(text);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parse_whole(std::string_view text) {
  return parse_all<std::uint64_t>(text);
}

}  // namespace invokeai::image
