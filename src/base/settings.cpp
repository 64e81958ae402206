#include "base/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/utf8.h"

namespace invokeai {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<std::string_view> split_blanks(std::string_view list) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    if (end > 0) parts.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

bool is_whole(const Setting& setting) {
  return setting.type == SettingType::integer || setting.type == SettingType::integers;
}

bool is_list(const Setting& setting) {
  return setting.type == SettingType::words || setting.type == SettingType::reals ||
         setting.type == SettingType::integers;
}

std::string number(double value) {
  return value == std::floor(value) && std::abs(value) < 1e15
             ? fmt::format("{}", static_cast<std::int64_t>(value))
             : fmt::format("{}", value);
}

std::string range_text(const Setting& setting) {
  const bool from = setting.low > -kInfinity, to = setting.high < kInfinity;
  const std::string low = number(setting.low), high = number(setting.high);
  if (from && to && setting.low_open) return fmt::format(" above {} and up to {}", low, high);
  if (from && to) return fmt::format(" from {} to {}", low, high);
  if (from) return fmt::format("{} {}", setting.low_open ? " above" : " of at least", low);
  if (to) return fmt::format(" of at most {}", high);
  return "";
}

tl::unexpected<Error> refuse(const Setting& setting, std::string_view flag, std::string_view came) {
  return fail(ErrorCode::invalid_argument, "", "{} takes {}, not {}", flag, wanted(setting), came);
}

/// Whole text as a number; a leading plus is fine, "inf" and "nan" are not numbers to us.
template <class T>
std::optional<T> read_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  if constexpr (std::is_floating_point_v<T>)
    if (!std::isfinite(value)) return std::nullopt;
  return value;
}

Result<> check_number(const Setting& setting, std::string_view flag, double value) {
  const bool below = value < setting.low || (setting.low_open && value == setting.low);
  if (below || value > setting.high || !std::isfinite(value))
    return refuse(setting, flag, number(value));
  if (setting.multiple > 1 && std::fmod(value, setting.multiple) != 0) {
    const double under = std::floor(value / setting.multiple) * setting.multiple;
    return fail(ErrorCode::invalid_argument, "",
                "{} takes {}; {} is not one, the nearest are {} and {}", flag, wanted(setting),
                number(value), number(under), number(under + setting.multiple));
  }
  return {};
}

Result<double> parse_number(const Setting& setting, std::string_view flag, std::string_view word) {
  std::optional<double> value;
  if (is_whole(setting)) {
    if (const auto whole = read_number<std::int64_t>(word)) value = static_cast<double>(*whole);
  } else {
    value = read_number<double>(word);
  }
  if (!value) return refuse(setting, flag, shown(word));
  TRY_VOID(check_number(setting, flag, *value));
  return *value;
}

Result<SettingValue> parse_list(const Setting& setting, std::string_view flag,
                                std::span<const std::string> words) {
  const auto too_many =
      setting.max_values > 0 && std::cmp_greater(words.size(), setting.max_values);
  if (std::cmp_less(words.size(), setting.min_values) || too_many)
    return refuse(setting, flag, fmt::format("{} of them", words.size()));
  if (setting.type == SettingType::words)
    return std::vector<std::string>(words.begin(), words.end());
  std::vector<double> numbers;
  for (const std::string& word : words) {
    TRY_ASSIGN(const double value, parse_number(setting, flag, word));
    numbers.push_back(value);
  }
  return numbers;
}

}  // namespace

const Setting& setting(std::string_view name) {
  for (const Setting& entry : all_settings())
    if (entry.name == name) return entry;
  check_failed(__FILE__, __LINE__, fmt::format("no setting is called {}", name));
}

std::vector<std::string> choices_of(const Setting& setting) {
  const auto choices = split_blanks(setting.choices);
  return {choices.begin(), choices.end()};
}

std::string wanted(const Setting& setting) {
  const char* plural = setting.max_values == 0 ? "one or more " : "";
  const std::string several = setting.max_values > 1
                                  ? fmt::format("{} to {} ", setting.min_values, setting.max_values)
                                  : plural;
  switch (setting.type) {
    case SettingType::flag:
      return "no value";
    case SettingType::integer:
      if (setting.multiple > 1)
        return fmt::format("a multiple of {}{}", setting.multiple, range_text(setting));
      return "a whole number" + range_text(setting);
    case SettingType::real:
      return "a number" + range_text(setting);
    case SettingType::path:
      return "a path";
    case SettingType::words:
      return several + "words";
    case SettingType::reals:
      return several + "numbers" + range_text(setting);
    case SettingType::integers:
      return several + "whole numbers" + range_text(setting);
    case SettingType::text:
      break;
  }
  if (setting.choices.empty()) return "a text";
  return fmt::format("one of {}", fmt::join(split_blanks(setting.choices), ", "));
}

std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::u32string points = decode_utf8(text.substr(0, 8 * kLongest));
  const bool cut = points.size() > kLongest;
  if (cut) points.resize(kLongest);
  for (char32_t& point : points)
    if (point < 0x20 || (point >= 0x7f && point < 0xa0)) point = U' ';
  return fmt::format("'{}{}'", encode_utf8(points), cut ? "..." : "");
}

Result<SettingValue> parse_value(const Setting& setting, std::string_view flag,
                                 std::span<const std::string> words) {
  if (is_list(setting)) return parse_list(setting, flag, words);
  INVOKEAI_CHECK_EQ(words.size(), std::size_t{1});
  const std::string& word = words.front();
  if (setting.type == SettingType::integer || setting.type == SettingType::real) {
    TRY_ASSIGN(const double value, parse_number(setting, flag, word));
    if (setting.type == SettingType::integer) return static_cast<std::int64_t>(value);
    return value;
  }
  INVOKEAI_CHECK(setting.type == SettingType::text || setting.type == SettingType::path);
  SettingValue value = word;
  TRY_VOID(check_value(setting, flag, value));
  return value;
}

Result<> check_value(const Setting& setting, std::string_view flag, const SettingValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value))
    return check_number(setting, flag, static_cast<double>(*whole));
  if (const auto* real = std::get_if<double>(&value)) return check_number(setting, flag, *real);
  if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
    for (const double each : *numbers) TRY_VOID(check_number(setting, flag, each));
  }
  if (const auto* text = std::get_if<std::string>(&value); text && !setting.choices.empty()) {
    const auto choices = split_blanks(setting.choices);
    if (std::ranges::find(choices, *text) == choices.end())
      return refuse(setting, flag, shown(*text));
  }
  return {};
}

std::optional<SettingValue> default_value(const Setting& setting) {
  if (setting.type == SettingType::flag) return SettingValue(setting.fallback == "on");
  if (setting.fallback.empty()) return std::nullopt;
  std::vector<std::string> words;
  if (is_list(setting))
    for (const auto word : split_blanks(setting.fallback)) words.emplace_back(word);
  else
    words.emplace_back(setting.fallback);
  auto value = parse_value(setting, setting.name, words);
  INVOKEAI_CHECK(value.has_value());
  return *value;
}

void SettingValues::set(std::string_view name, SettingValue value) {
  values_.insert_or_assign(std::string(name), std::move(value));
}

void SettingValues::erase(std::string_view name) {
  if (const auto found = values_.find(name); found != values_.end()) values_.erase(found);
}

void SettingValues::merge(const SettingValues& stronger) {
  for (const auto& [name, value] : stronger.values_) set(name, value);
}

template <class T>
T SettingValues::get(std::string_view name) const {
  const auto found = values_.find(name);
  const auto value =
      found != values_.end() ? std::optional(found->second) : default_value(setting(name));
  if (!value) return T{};
  const T* typed = std::get_if<T>(&*value);
  if (typed == nullptr) check_failed(__FILE__, __LINE__, fmt::format("{} has another type", name));
  return *typed;
}

template bool SettingValues::get<bool>(std::string_view) const;
template std::int64_t SettingValues::get<std::int64_t>(std::string_view) const;
template double SettingValues::get<double>(std::string_view) const;
template std::string SettingValues::get<std::string>(std::string_view) const;
template std::vector<std::string> SettingValues::get<std::vector<std::string>>(
    std::string_view) const;
template std::vector<double> SettingValues::get<std::vector<double>>(std::string_view) const;

namespace {

const char* group_title(SettingGroup group) {
  switch (group) {
    case SettingGroup::general:
      return "General";
    case SettingGroup::model:
      return "Model and device";
    case SettingGroup::output:
      return "Output";
    case SettingGroup::rendering:
      return "Rendering";
    case SettingGroup::img2img:
      return "Image to image, inpainting";
    case SettingGroup::outpainting:
      return "Outpainting";
    case SettingGroup::postprocessing:
      return "Post-processing";
    case SettingGroup::variations:
      return "Variations";
    case SettingGroup::server:
      return "Web server";
  }
  return "";
}

std::string value_name(const Setting& setting) {
  switch (setting.type) {
    case SettingType::flag:
      return "";
    case SettingType::integer:
      return " N";
    case SettingType::real:
      return " X";
    case SettingType::text:
      return setting.choices.empty() ? " TEXT" : " NAME";
    case SettingType::path:
      return " PATH";
    case SettingType::words:
      return " WORD ...";
    case SettingType::reals:
    case SettingType::integers:
      return " N ...";
  }
  return "";
}

/// Appends `text` in lines of at most 96 columns, each led by `indent` blanks.
void append_wrapped(std::string& out, std::string_view text, std::size_t indent) {
  constexpr std::size_t kWidth = 96;
  std::size_t column = kWidth;
  for (const std::string_view word : split_blanks(text)) {
    if (column + 1 + word.size() > kWidth) {
      if (!out.ends_with('\n')) out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  out += '\n';
}

std::string setting_help(const Setting& setting, Use use) {
  const auto flags = split_blanks(setting.flags);
  std::string text = fmt::format("  {}{}", fmt::join(flags, ", "), value_name(setting));
  if (!setting.off.empty())
    text += fmt::format(" / {}", fmt::join(split_blanks(setting.off), ", "));
  text += '\n';
  std::string help(setting.help);
  if (!setting.choices.empty() || setting.low > -kInfinity || setting.high < kInfinity)
    help += fmt::format("; {}", wanted(setting));
  if (!setting.fallback.empty()) help += fmt::format(" (default {})", setting.fallback);
  if (use == Use::ignored) help += fmt::format(" [no effect: {}]", setting.note);
  if (use == Use::refused) help += " [not in this version]";
  append_wrapped(text, help, 8);
  return text;
}

}  // namespace

std::string help_page(HelpPage page) {
  std::string text =
      page == HelpPage::launch
          ? "usage: invokeai [switches]                      draw what you type, line by line\n"
            "       invokeai \"a red star\" [switches]         draw and exit; prompt switches work "
            "too\n"
            "       invokeai --from_file FILE [switches]     draw each line of a file\n"
            "\nSwitches may also stand in invokeai.init in the root folder, and those of a single\n"
            "prompt behind it in each line. Long switches may be shortened while they stay "
            "unique.\n"
          : "usage: a prompt in plain words [switches], or \"a quoted prompt\" [switches]\n"
            "       q                                        quit\n"
            "\nLong switches may be shortened while they stay unique; one-letter switches may "
            "touch\n"
            "their value (-s20). A # behind the switches starts a comment.\n";
  for (int group = 0; group <= static_cast<int>(SettingGroup::server); ++group) {
    bool titled = false;
    for (const Setting& setting : all_settings()) {
      Use use = setting.prompt;
      if (page == HelpPage::launch && (setting.launch != Use::none || use != Use::works))
        use = setting.launch;
      if (static_cast<int>(setting.group) != group || use == Use::none) continue;
      if (!titled) text += fmt::format("\n{}\n", group_title(setting.group));
      titled = true;
      text += setting_help(setting, use);
    }
  }
  return text;
}

}  // namespace invokeai
