#include "gallery/names.h"

#include <algorithm>
#include <charconv>
#include <climits>
#include <optional>

#include "image/python_text.h"

namespace invokeai::gallery {
namespace {

constexpr std::size_t kMaxPrefixDigits = 18;  // beyond that a number no longer fits 64 bits
constexpr int kMaxWidth = 255;                // longest file name on common file systems, in bytes
constexpr std::size_t kMaxPath = 4096;
constexpr std::size_t kRoomForName = 39;

/// The leading number of `<digits>.<anything>.png`; nothing for other names.
std::optional<std::int64_t> leading_number(std::string_view name) {
  const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
  if (digits == 0 || digits > kMaxPrefixDigits || digits == name.size() || name[digits] != '.' ||
      name.find(".png", digits + 1) == std::string_view::npos)
    return std::nullopt;
  std::int64_t number = 0;
  std::from_chars(name.data(), name.data() + digits, number);
  return number;
}

tl::unexpected<Error> bad_format(std::string_view format, const std::string& what) {
  return fail(ErrorCode::invalid_argument, "fnformat", "file name format \"{}\": {}", format, what);
}

std::string known_names(const NameValues& values) {
  std::string names;
  for (const auto& [name, value] : values) names += (names.empty() ? "" : ", ") + name;
  return names;
}

/// str() of a value.
std::string plain_text(const NameValue& value) {
  struct Visitor {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool flag) const { return flag ? "True" : "False"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return image::python_float(number); }
    std::string operator()(const std::string& text) const { return text; }
  };
  return std::visit(Visitor{}, value);
}

/// Whether a width or precision in the format would make a name no file system takes.
bool too_wide(std::string_view spec) {
  int number = 0;
  for (const char c : spec) {
    number = c >= '0' && c <= '9' ? std::min(number * 10 + (c - '0'), kMaxWidth + 1) : 0;
    if (number > kMaxWidth) return true;
  }
  return false;
}

/// format(value, spec). fmt's format language is Python's but for a few rare types, which it
/// refuses.
std::optional<std::string> formatted(const NameValue& value, std::string_view spec) {
  if (spec.empty()) return plain_text(value);
  if (too_wide(spec) || std::holds_alternative<std::monostate>(value)) return std::nullopt;
  const std::string pattern = "{:" + std::string(spec) + "}";
  try {
    if (const auto* whole = std::get_if<std::int64_t>(&value)) {
      const bool as_float = std::string_view("eEfFgG").find(spec.back()) != std::string_view::npos;
      return as_float ? fmt::format(fmt::runtime(pattern), static_cast<double>(*whole))
                      : fmt::format(fmt::runtime(pattern), *whole);
    }
    if (const auto* number = std::get_if<double>(&value))
      return fmt::format(fmt::runtime(pattern), *number);
    return fmt::format(fmt::runtime(pattern), plain_text(value));
  } catch (const fmt::format_error&) {
    return std::nullopt;
  }
}

/// A value as part of a name: it neither names a folder nor leaves one.
std::string safe_part(std::string text) {
  for (char& c : text)
    if (c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20) c = '_';
  if (text == "." || text == "..") std::fill(text.begin(), text.end(), '_');
  return text;
}

/// `field` is what stands between two braces.
Result<std::string> field_text(std::string_view format, std::string_view field,
                               const NameValues& values) {
  const auto colon = field.find(':');
  const std::string_view name = field.substr(0, colon);
  const auto value = values.find(name);
  if (value == values.end())
    return bad_format(format,
                      fmt::format("there is no {{{}}}; known are {}", name, known_names(values)));
  const std::string_view spec = colon == field.npos ? std::string_view() : field.substr(colon + 1);
  auto text = formatted(value->second, spec);
  if (!text)
    return bad_format(format, fmt::format("\"{}\" does not suit {} = {}; try {{{}}}", spec, name,
                                          plain_text(value->second), name));
  return safe_part(std::move(*text));
}

/// Cuts to at most `limit` bytes without splitting a UTF-8 character.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return text.substr(0, limit);
}

std::string_view without_trailing_dots(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" .") + 1);
}

}  // namespace

Result<std::int64_t> next_prefix(const fs::path& folder) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  if (error == std::errc::no_such_file_or_directory) return 1;
  std::int64_t largest = 0;
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    largest = std::max(largest, leading_number(entry->path().filename().string()).value_or(0));
  if (error)
    return fail(ErrorCode::io, "gallery.names", "cannot list the folder {}: {}", folder.string(),
                error.message());
  return largest + 1;
}

std::string format_prefix(std::int64_t prefix) { return fmt::format("{:06d}", prefix); }

Result<std::string> format_name(std::string_view format, const NameValues& values) {
  std::string name;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const char c = format[i];
    const bool doubled = i + 1 < format.size() && format[i + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      name += c;
      ++i;
    } else if (c == '{') {
      const auto end = format.find_first_of("{}", i + 1);
      if (end == format.npos || format[end] == '{')
        return bad_format(format, fmt::format("the {{ at character {} is never closed; write {{{{ "
                                              "for a brace in the name",
                                              i + 1));
      TRY_ASSIGN(const std::string text,
                 field_text(format, format.substr(i + 1, end - i - 1), values));
      name += text;
      i = end;
    } else if (c == '}') {
      return bad_format(format, fmt::format("the }} at character {} closes nothing; write }}}} for "
                                            "a brace in the name",
                                            i + 1));
    } else {
      name += c;
    }
  }
  if (name.empty() || name.back() == '/' || name.find('\0') != name.npos)
    return bad_format(format, fmt::format("leaves no file name; try {}", kDefaultNameFormat));
  return name;
}

bool never_replaces(std::string_view format) {
  return format.find("{prefix}") != format.npos || format.find("{prefix:") != format.npos ||
         format.find("{again}") != format.npos;
}

fs::path prompt_folder(const fs::path& outdir, std::string_view prompt) {
  std::string name(prompt);
  for (char& c : name)
    if (static_cast<unsigned char>(c) < 0x20 ||
        std::string_view("<>:\"/\\|?*").find(c) != prompt.npos)
      c = '_';
  std::string_view kept = without_trailing_dots(cut(name, NAME_MAX));
  const std::size_t used = fs::absolute(outdir).string().size() + 1 + kRoomForName;
  kept = without_trailing_dots(cut(kept, used < kMaxPath ? kMaxPath - used : 0));
  return kept.empty() ? outdir : outdir / fs::path(kept);
}

}  // namespace invokeai::gallery
