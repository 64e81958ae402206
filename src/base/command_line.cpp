#include "base/command_line.h"

#include <algorithm>
#include <optional>

#include "base/utf8.h"

namespace invokeai {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Bytes of the white-space character at the start of the text, 0 if there is none.
std::size_t blank_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto c = static_cast<unsigned char>(text[0]);
  if (c == ' ' || (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x1f)) return 1;
  if (text.starts_with("\u0085") || text.starts_with("\u00a0")) return 2;
  if (text.starts_with("\u1680") || text.starts_with("\u202f") || text.starts_with("\u205f") ||
      text.starts_with("\u3000") || text.starts_with("\u2028") || text.starts_with("\u2029"))
    return 3;
  const bool general_space = text.starts_with("\xe2\x80") && text.size() > 2 &&
                             static_cast<unsigned char>(text[2]) >= 0x80 &&
                             static_cast<unsigned char>(text[2]) <= 0x8a;
  return general_space ? 3 : 0;
}

/// The state of shell_words between two characters.
struct ShellSplitter {
  std::string_view text;
  std::size_t at = 0;
  std::vector<std::string> words;
  std::string word = {};
  bool in_word = false;

  void finish_word() {
    if (in_word) words.push_back(std::move(word));
    word.clear();
    in_word = false;
  }

  /// `at` stands on the opening quote; afterwards behind the closing one.
  Result<> quoted() {
    const char quote = text[at];
    in_word = true;
    for (++at; at < text.size() && text[at] != quote; ++at) {
      const bool escape = quote == '"' && text[at] == '\\' && at + 1 < text.size() &&
                          (text[at + 1] == '"' || text[at + 1] == '\\');
      if (escape) ++at;
      word += text[at];
    }
    if (at == text.size())
      return fail(ErrorCode::invalid_argument, "", "a quote {} is opened but never closed in {}",
                  quote, shown(text));
    ++at;
    return {};
  }

  Result<> escaped() {
    if (at + 1 == text.size())
      return fail(ErrorCode::invalid_argument, "", "nothing follows the backslash at the end of {}",
                  shown(text));
    in_word = true;
    word += text[at + 1];
    at += 2;
    return {};
  }
};

enum class Column { launch, prompt };

template <class Visit>
void for_each_spelling(Column column, Visit visit) {
  for (const Setting& setting : all_settings()) {
    if ((column == Column::launch ? setting.launch : setting.prompt) == Use::none) continue;
    for (const bool off : {false, true}) {
      std::string_view list = off ? setting.off : setting.flags;
      while (!list.empty()) {
        const std::size_t end = std::min(list.find(' '), list.size());
        visit(setting, off, list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
      }
    }
  }
}

/// Is this spelling, such as "-g", a flag that can stand behind a prompt?
bool is_prompt_flag(std::string_view word) {
  bool found = false;
  for_each_spelling(Column::prompt, [&](const Setting& setting, bool, std::string_view spelling) {
    found = found || (setting.type == SettingType::flag && spelling == word);
  });
  return found;
}

/// Is this the start of the switches: "-" or "--", a letter and something more? 2.3.0 wants the
/// "something more" even from a flag at the very end of the line ("a cat -g"); here such a flag is
/// a switch.
bool starts_switches(std::string_view rest) {
  const std::size_t letter = rest.starts_with("--") ? 2 : 1;
  if (!rest.starts_with('-') || rest.size() <= letter || !is_letter(rest[letter])) return false;
  return rest.size() > letter + 1 || (letter == 1 && is_prompt_flag(rest));
}

/// A switch as recognised in one word.
struct Match {
  const Setting* setting = nullptr;
  bool off = false;  ///< the spelling that switches a flag off
  Column column = Column::launch;
  std::string flag;                  ///< the spelling it stands for
  std::optional<std::string> value;  ///< the value in the same word
};

/// All switches of a column that the word can mean, argparse's way: an exact spelling, else with
/// "=value", else "--lon" as a unique start and "-s20" as a one-letter switch with its value.
std::vector<Match> matches_in(Column column, std::string_view word) {
  std::vector<Match> exact, with_value, partial;
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const auto after_equals = [&]() -> std::optional<std::string> {
    if (equals == std::string_view::npos) return std::nullopt;
    return std::string(word.substr(equals + 1));
  };
  for_each_spelling(column, [&](const Setting& setting, bool off, std::string_view spelling) {
    Match match{&setting, off, column, std::string(spelling), std::nullopt};
    if (spelling == word) {
      exact.push_back(match);
    } else if (spelling == name) {
      match.value = after_equals();
      with_value.push_back(match);
    } else if (word.starts_with("--") ? spelling.starts_with(name) : spelling.starts_with(word)) {
      match.value = word.starts_with("--") ? after_equals() : std::nullopt;
      partial.push_back(match);
    } else if (!word.starts_with("--") && spelling == word.substr(0, 2)) {
      match.value = std::string(word.substr(2));
      partial.push_back(match);
    }
  });
  if (!exact.empty()) return exact;
  return with_value.empty() ? partial : with_value;
}

bool same_meaning(const std::vector<Match>& matches) {
  return std::ranges::all_of(matches, [&](const Match& match) {
    const Match& first = matches.front();
    return match.setting == first.setting && match.off == first.off && match.value == first.value;
  });
}

class SwitchParser {
 public:
  SwitchParser(std::span<const std::string> words, WordsFrom from) : words_(words), from_(from) {}

  Result<ParsedWords> run() {
    while (at_ < words_.size()) {
      const std::string& word = words_[at_++];
      if (word == "--") {
        result_.free_words.insert(result_.free_words.end(), words_.begin() + at_, words_.end());
        break;
      }
      if (is_value(word)) {
        result_.free_words.push_back(word);
      } else {
        TRY_VOID(take_switch(word));
      }
    }
    return std::move(result_);
  }

 private:
  bool from_prompt() const {
    return from_ == WordsFrom::prompt_line || from_ == WordsFrom::fix_line;
  }

  bool prompt_seen() const { return !result_.free_words.empty() || result_.values.has("prompt"); }

  std::vector<Column> columns() const {
    if (from_ == WordsFrom::init_file) return {Column::launch};
    if (from_prompt()) return {Column::prompt};
    if (prompt_seen()) return {Column::prompt, Column::launch};
    return {Column::launch, Column::prompt};
  }

  /// A spelling written out in any column comes before a shortened one.
  std::vector<Match> find(std::string_view word) const {
    std::vector<Match> shortened;
    for (const Column column : columns()) {
      auto matches = matches_in(column, word);
      if (matches.empty()) continue;
      if (matches.front().flag == word.substr(0, word.find('='))) return matches;
      if (shortened.empty()) shortened = std::move(matches);
    }
    return shortened;
  }

  /// Words without a dash, negative numbers, a lone dash, and texts with blanks that are no switch.
  bool is_value(std::string_view word) const {
    if (!word.starts_with('-') || word == "-") return true;
    if (word == "--") return false;
    if (is_digit(word[1]) || (word[1] == '.' && word.size() > 2 && is_digit(word[2]))) return true;
    return word.find(' ') != std::string_view::npos && find(word).empty();
  }

  Result<> take_switch(std::string_view word) {
    const auto matches = find(word);
    if (matches.empty())
      return fail(ErrorCode::invalid_argument, "", "there is no switch {}; {} lists them all",
                  shown(word), from_prompt() ? "-h" : "--help");
    if (!same_meaning(matches)) {
      std::vector<std::string> meanings;
      for (const Match& match : matches) meanings.push_back(match.flag);
      return fail(ErrorCode::invalid_argument, "", "{} can mean {}; write it out", shown(word),
                  fmt::join(meanings, " or "));
    }
    return matches.front().setting->type == SettingType::flag ? take_flags(matches.front())
                                                              : take_value(matches.front());
  }

  /// A flag, and those glued to it: -gt is -g -t, -gn2 is -g -n2.
  Result<> take_flags(const Match& match) {
    TRY_VOID(store(match, SettingValue(!match.off)));
    if (!match.value) return {};
    if (match.flag.size() != 2 || match.value->empty() || match.value->front() == '-')
      return fail(ErrorCode::invalid_argument, "", "{} takes no value, not {}", match.flag,
                  shown(*match.value));
    const std::string next = fmt::format("-{}", *match.value);
    auto following = find(next.substr(0, 2));
    if (following.empty() || following.front().flag != next.substr(0, 2))
      return fail(ErrorCode::invalid_argument, "", "{} takes no value, not {}", match.flag,
                  shown(*match.value));
    Match& glued = following.front();
    if (next.size() > 2) glued.value = next.substr(2);
    return glued.setting->type == SettingType::flag ? take_flags(glued) : take_value(glued);
  }

  Result<> take_value(const Match& match) {
    const Setting& setting = *match.setting;
    std::vector<std::string> words;
    if (match.value) words.push_back(*match.value);
    const bool list = setting.max_values != 1;
    while ((list || words.empty()) && at_ < words_.size() && is_value(words_[at_]))
      words.push_back(words_[at_++]);
    if (words.empty() && setting.min_values > 0)
      return fail(ErrorCode::invalid_argument, "", "a value is missing: {} takes {}", match.flag,
                  wanted(setting));
    TRY_ASSIGN(SettingValue value, parse_value(setting, match.flag, words));
    return store(match, std::move(value));
  }

  Result<> store(const Match& match, SettingValue value) {
    const Setting& setting = *match.setting;
    Use use = match.column == Column::launch ? setting.launch : setting.prompt;
    if (default_value(setting) == value) use = Use::works;  // nothing is asked for
    if (from_ == WordsFrom::fix_line && setting.fix) use = Use::works;
    if (use == Use::ignored)
      result_.notices.push_back(fmt::format("{} has no effect: {}", match.flag, setting.note));
    if (use == Use::refused && !result_.refused)
      result_.refused = Error{
          ErrorCode::unsupported, "",
          fmt::format("{} needs {}, which this version does not have", match.flag, setting.note)};
    result_.values.set(setting.name, std::move(value));
    return {};
  }

  std::span<const std::string> words_;
  WordsFrom from_;
  std::size_t at_ = 0;
  ParsedWords result_;
};

}  // namespace

Result<std::vector<std::string>> shell_words(std::string_view text) {
  ShellSplitter splitter{.text = text, .words = {}};
  while (splitter.at < text.size()) {
    const char c = text[splitter.at];
    if (c == '"' || c == '\'') {
      TRY_VOID(splitter.quoted());
    } else if (c == '\\') {
      TRY_VOID(splitter.escaped());
    } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      splitter.finish_word();
      ++splitter.at;
    } else if (c == '#' && !splitter.in_word) {
      splitter.at = std::min(text.find('\n', splitter.at), text.size());
    } else {
      splitter.in_word = true;
      splitter.word += c;
      ++splitter.at;
    }
  }
  splitter.finish_word();
  return std::move(splitter.words);
}

std::string_view strip_blanks(std::string_view text) {
  while (const std::size_t length = blank_length(text)) text.remove_prefix(length);
  for (bool again = true; again && !text.empty();) {
    again = false;
    for (const std::size_t length : {1, 2, 3})
      if (text.size() >= length && blank_length(text.substr(text.size() - length)) == length) {
        text.remove_suffix(length);
        again = true;
        break;
      }
  }
  return text;
}

Result<SplitLine> split_prompt_line(std::string_view line) {
  if (line.starts_with('-')) {
    TRY_ASSIGN(auto words, shell_words(line));
    return SplitLine{"", std::move(words)};
  }
  if (line.starts_with('"')) {
    TRY_ASSIGN(auto words, shell_words(line));
    std::string prompt = std::move(words.front());
    words.erase(words.begin());
    return SplitLine{std::move(prompt), std::move(words)};
  }
  for (std::size_t at = 1; at < line.size(); ++at) {
    const std::size_t blank = blank_length(line.substr(at));
    if (blank == 0 || !starts_switches(line.substr(at + blank))) continue;
    TRY_ASSIGN(auto words, shell_words(line.substr(at + blank)));
    return SplitLine{std::string(line.substr(0, at)), std::move(words)};
  }
  return SplitLine{std::string(line), {}};
}

Result<ParsedWords> parse_words(std::span<const std::string> words, WordsFrom from) {
  return SwitchParser(words, from).run();
}

Result<PromptCommand> parse_prompt_line(std::string_view line) {
  TRY_ASSIGN(SplitLine split, split_prompt_line(strip_blanks(line)));
  TRY_ASSIGN(ParsedWords parsed, parse_words(split.words, WordsFrom::prompt_line));
  if (!parsed.free_words.empty())
    return fail(ErrorCode::invalid_argument, "",
                "left-over words {}: behind the prompt stand only switches and their values",
                shown(fmt::format("{}", fmt::join(parsed.free_words, " "))));
  if (parsed.refused) return tl::make_unexpected(std::move(*parsed.refused));
  const std::string replacement = parsed.values.text("prompt");
  parsed.values.erase("prompt");
  return PromptCommand{replacement.empty() ? std::move(split.prompt) : replacement,
                       std::move(parsed.values), std::move(parsed.notices)};
}

}  // namespace invokeai
