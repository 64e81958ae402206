#pragma once
// Words to settings: shell-like splitting, the rule that tells a prompt from its switches, and the
// switch parser (2.3.0's argparse rules: glued values, combined flags, unique abbreviations).

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/settings.h"

namespace invokeai {

/// Splits a line like a POSIX shell: blanks separate, '...' and "..." quote, a backslash escapes
/// (in
/// "..." only \" and \\), # at the start of a word begins a comment. Errors: invalid_argument for
/// an unbalanced quote or a backslash at the end.
Result<std::vector<std::string>> shell_words(std::string_view text);

/// Text without white space (Unicode's) at both ends.
std::string_view strip_blanks(std::string_view text);

/// A line before its switches are looked at (cli spec 2.1).
struct SplitLine {
  std::string prompt;
  std::vector<std::string> words;  ///< switches and their values
};
Result<SplitLine> split_prompt_line(std::string_view line);

/// Where words come from decides which settings exist and which spelling wins: -V is --version at
/// launch and --with_variations behind a prompt. On a shell's command line launch switches come
/// first up to the prompt, prompt switches after it. A fix line has the switches of a prompt line,
/// some of which make sense only there.
enum class WordsFrom { init_file, shell, prompt_line, fix_line };

struct ParsedWords {
  SettingValues values;
  std::vector<std::string> free_words;  ///< words that belong to no switch
  std::vector<std::string> notices;  ///< one line for each switch that is accepted without effect
  std::optional<Error> refused;      ///< unsupported: the first switch this version cannot serve
};

/// Errors: invalid_argument (unknown or ambiguous switch, missing, bad or surplus value).
Result<ParsedWords> parse_words(std::span<const std::string> words, WordsFrom from);

/// One generation command.
struct PromptCommand {
  std::string prompt;
  SettingValues values;
  std::vector<std::string> notices;
};

/// Splits and parses a whole line; left-over words and refused switches are errors.
Result<PromptCommand> parse_prompt_line(std::string_view line);

}  // namespace invokeai
