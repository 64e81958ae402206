#include "base/settings.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <set>

#include "base/command_line.h"

namespace invokeai {
namespace {

using Words = std::vector<std::string>;

std::vector<std::string> words_of(std::string_view list) {
  auto words = shell_words(list);
  EXPECT_TRUE(words.has_value()) << list;
  return words.value_or(std::vector<std::string>());
}

std::string text_of(const SettingValue& value) {
  struct Visitor {
    std::string operator()(bool flag) const { return flag ? "on" : "off"; }
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(double number) const { return fmt::format("{:g}", number); }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(const std::vector<std::string>& words) const {
      return fmt::format("[{}]", fmt::join(words, ","));
    }
    std::string operator()(const std::vector<double>& numbers) const {
      std::vector<std::string> texts;
      for (const double number : numbers) texts.push_back(fmt::format("{:g}", number));
      return (*this)(texts);
    }
  };
  return std::visit(Visitor{}, value);
}

std::string text_of(const SettingValues& values) {
  std::string text;
  for (const auto& [name, value] : values.given())
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, text_of(value));
  return text;
}

struct Case {
  int line;
  std::string input, expected;
};

std::vector<Case> read_table(const std::string& name) {
  std::ifstream file(std::string(INVOKEAI_TEST_DATA) + "/base/tables/" + name);
  std::vector<Case> cases;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line.starts_with('#')) continue;
    const auto arrow = line.find(" ==> ");
    EXPECT_NE(arrow, line.npos) << name << ":" << number;
    if (arrow != line.npos)
      cases.push_back({number, line.substr(0, arrow), line.substr(arrow + 5)});
  }
  EXPECT_GT(cases.size(), 30u) << name;
  return cases;
}

/// Prompt and settings of a line; features that are not there yet are not yet refused.
std::string prompt_line_result(const std::string& line) {
  const auto command = parse_prompt_line(line);
  if (!command && command.error().code != ErrorCode::unsupported)
    return "error: " + command.error().text();
  auto split = split_prompt_line(strip_blanks(line));
  auto parsed = parse_words(split->words, WordsFrom::prompt_line);
  if (const auto text = parsed->values.text("prompt"); !text.empty()) split->prompt = text;
  parsed->values.erase("prompt");
  const std::string settings = text_of(parsed->values);
  return fmt::format("{} |{}{}", split->prompt.empty() ? "(empty)" : split->prompt,
                     settings.empty() ? "" : " ", settings);
}

std::string launch_result(const std::string& line) {
  const auto parsed = parse_words(words_of(line), WordsFrom::shell);
  if (!parsed) return "error: " + parsed.error().text();
  if (parsed->refused) return "error: " + parsed->refused->text();
  std::string notices;
  for (const auto& notice : parsed->notices) {
    EXPECT_GT(notice.size(), notice.find(": ") + 5) << "a reason is given";
    notices += (notices.empty() ? " " : "; ") + notice.substr(0, notice.find(':'));
  }
  return fmt::format("{} |{}", text_of(parsed->values), notices);
}

void check_table(const std::string& name, std::string (*result_of)(const std::string&)) {
  for (const Case& each : read_table(name)) {
    const std::string result = result_of(each.input);
    const std::string where = fmt::format("{}:{}: {}", name, each.line, each.input);
    if (each.expected.starts_with("error: "))
      EXPECT_TRUE(result.starts_with("error: ") &&
                  result.find(each.expected.substr(7)) != result.npos)
          << where << "\n  " << result;
    else
      EXPECT_EQ(result, each.expected) << where;
    EXPECT_EQ(result.find('\n'), result.npos) << where;
  }
}

TEST(Settings, PromptLinesOfTheTable) { check_table("prompt_lines.txt", prompt_line_result); }

TEST(Settings, LaunchSwitchesOfTheTable) { check_table("launch_switches.txt", launch_result); }

/// What the settings table promises for this switch at this place, or an empty text if it kept it.
std::string broken_promise(const std::string& place, const std::string& words) {
  const bool launch = place == "launch";
  const Words split = words_of(words);
  const auto parsed = parse_words(split, launch ? WordsFrom::init_file : WordsFrom::prompt_line);
  if (!parsed) return parsed.error().text();
  if (parsed->values.given().size() != 1) return "one setting is given";
  const Setting& given = setting(parsed->values.given().begin()->first);
  const Use use = launch ? given.launch : given.prompt;
  const bool asks = default_value(given) != parsed->values.given().begin()->second;
  const std::string reason(given.note);
  if (use == Use::ignored && asks &&
      (parsed->notices.size() != 1 || parsed->notices[0].find(reason) == std::string::npos))
    return "it is said once that it has no effect, and why";
  if (use == Use::refused && asks &&
      (!parsed->refused || parsed->refused->message.find(reason) == std::string::npos ||
       parsed->refused->message.find(split.front()) == std::string::npos))
    return "it is refused with what it needs";
  if ((use == Use::works || !asks) && (!parsed->notices.empty() || parsed->refused))
    return "it works without a word";
  return "";
}

TEST(Settings, EverySwitchWorksOrSaysWhyNot) {
  std::ifstream table(std::string(INVOKEAI_TEST_DATA) + "/base/tables/switches.txt");
  std::set<std::string> seen;
  for (std::string row; std::getline(table, row);) {
    if (row.empty() || row.starts_with('#')) continue;
    const std::string place = row.substr(0, row.find(' ')), words = row.substr(row.find(' ') + 1);
    EXPECT_EQ(broken_promise(place, words), "") << row;
    EXPECT_TRUE(seen.insert(place + " " + words.substr(0, words.find(' '))).second) << row;
  }
  for (const Setting& each : all_settings())
    for (const auto& spelling : words_of(std::string(each.flags) + " " + std::string(each.off))) {
      EXPECT_TRUE(each.launch == Use::none || seen.contains("launch " + spelling)) << spelling;
      EXPECT_TRUE(each.prompt == Use::none || seen.contains("prompt " + spelling)) << spelling;
    }
}

TEST(Settings, TableIsConsistent) {
  std::set<std::string_view> names;
  std::set<std::string> launch, prompt;
  for (const Setting& each : all_settings()) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    EXPECT_FALSE(each.help.empty()) << each.name;
    EXPECT_TRUE(each.launch != Use::none || each.prompt != Use::none) << each.name;
    const bool needs_note = each.launch == Use::ignored || each.launch == Use::refused ||
                            each.prompt == Use::ignored || each.prompt == Use::refused;
    EXPECT_EQ(needs_note, !each.note.empty()) << each.name;
    EXPECT_TRUE(each.type == SettingType::flag || each.off.empty()) << each.name;
    default_value(each);  // aborts when the default is not a value of the setting
    for (const auto& spelling : words_of(std::string(each.flags) + " " + std::string(each.off))) {
      EXPECT_TRUE(spelling.starts_with('-')) << spelling;
      EXPECT_TRUE(each.launch == Use::none || launch.insert(spelling).second) << spelling;
      EXPECT_TRUE(each.prompt == Use::none || prompt.insert(spelling).second) << spelling;
    }
  }
}

TEST(Settings, ValuesFallBackToTheTable) {
  SettingValues values;
  EXPECT_EQ(values.integer("steps"), 50);
  EXPECT_EQ(values.real("cfg_scale"), 7.5);
  EXPECT_EQ(values.text("sampler_name"), "k_lms");
  EXPECT_EQ(values.integer("width"), 0);
  EXPECT_FALSE(values.flag("grid"));
  EXPECT_TRUE(values.flag("xformers"));
  SettingValues stronger;
  values.set("steps", std::int64_t{10});
  values.set("grid", true);
  stronger.set("grid", false);
  values.merge(stronger);
  EXPECT_EQ(values.integer("steps"), 10);
  EXPECT_FALSE(values.flag("grid"));
}

TEST(Settings, HelpNamesEverySwitch) {
  const std::string launch = help_page(HelpPage::launch), prompt = help_page(HelpPage::prompt);
  for (const Setting& each : all_settings())
    for (const auto& spelling : words_of(each.flags)) {
      EXPECT_TRUE(each.launch == Use::none || launch.find(spelling) != launch.npos) << spelling;
      EXPECT_TRUE(each.prompt == Use::none || prompt.find(spelling) != prompt.npos) << spelling;
    }
  EXPECT_NE(launch.find("--seed"), launch.npos) << "works next to a prompt";
  for (const std::string& page : {launch, prompt})
    for (std::size_t at = 0; at < page.size(); at = page.find('\n', at) + 1)
      EXPECT_LE(page.find('\n', at) - at, 96u) << page.substr(at, 120);
}

TEST(Settings, InitFileRefusalsAreNotErrors) {
  const auto parsed = parse_words(words_of("--gui -s 20"), WordsFrom::init_file);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_TRUE(parsed->refused.has_value());
  EXPECT_EQ(parsed->values.integer("steps"), 20);
  const auto prompt_switch = parse_words(words_of("-n 4"), WordsFrom::init_file);
  ASSERT_FALSE(prompt_switch.has_value());
  EXPECT_EQ(prompt_switch.error().code, ErrorCode::invalid_argument);
}

TEST(Settings, ShellWords) {
  EXPECT_EQ(words_of(" a  b\tc "), (Words{"a", "b", "c"}));
  EXPECT_EQ(words_of("'a \"b' \"c 'd\\\" \\\\ \\x\" e\\ f"),
            (Words{"a \"b", "c 'd\" \\ \\x", "e f"}));
  EXPECT_EQ(words_of("a#b # c"), (Words{"a#b"}));
  EXPECT_EQ(words_of("# c\nd"), (Words{"d"}));
  EXPECT_EQ(words_of("'' \"\""), (Words{"", ""}));
  EXPECT_EQ(words_of("--outdir=\"/a b/c\""), (Words{"--outdir=/a b/c"}));
  for (const char* bad : {"'a", "\"a", "a \"b\\\"", "a\\"})
    EXPECT_FALSE(shell_words(bad).has_value()) << bad;
}

TEST(Settings, StripsUnicodeBlanks) {
  EXPECT_EQ(strip_blanks(" \t a b \r\n"), "a b");
  EXPECT_EQ(strip_blanks("\u3000猫\u00a0"), "猫");
  EXPECT_EQ(strip_blanks("\u2003\u2003"), "");
  EXPECT_EQ(strip_blanks(""), "");
}

TEST(Settings, MessagesStayOneShortLine) {
  const std::string long_text(100000, 'x');
  EXPECT_LT(shown(long_text).size(), 100u);
  EXPECT_EQ(shown("a\nb\x1b[31m"), "'a b [31m'");
  const auto command = parse_prompt_line("cat --" + long_text);
  ASSERT_FALSE(command.has_value());
  EXPECT_LT(command.error().message.size(), 200u);
}

TEST(Settings, EveryLineIsAnsweredInOneLine) {
  const Words pieces = {" ",  "-",   "--",  "\"",  "'",  "\\",     "#",    "=",         "a",  "-s",
                        "20", "-U",  "-tm", "--s", "-g", "--grid", "\xff", "\u3000",    "-1", "\t",
                        "!",  "-ft", ",",   ":",   "[",  "--=",    "-=",   "--prompt=x"};
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string line;
    for (auto length = random() % 12; length > 0; --length)
      line += pieces[random() % pieces.size()];
    const auto command = parse_prompt_line(line);
    if (command) continue;
    EXPECT_EQ(command.error().message.find_first_of("\n\r\t\x1b"), std::string::npos) << line;
  }
}

TEST(Settings, LongPromptsAreFine) {
  std::string prompt = "word";
  for (int i = 1; i < 10000; ++i) prompt += " word";
  const auto command = parse_prompt_line(prompt + " -n2");
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(command->prompt, prompt);
  EXPECT_EQ(command->values.integer("iterations"), 2);
}

}  // namespace
}  // namespace invokeai
