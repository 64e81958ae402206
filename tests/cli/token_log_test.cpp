#include "cli/token_log.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/command_line.h"
#include "cli/prompts.h"

namespace invokeai::cli {
namespace {

using Lines = std::vector<std::string>;

Lines log_of(const std::string& line, TokenMarks marks) {
  const auto command = parse_prompt_line(line);
  EXPECT_TRUE(command.has_value()) << line;
  const auto parsed =
      understand({command->prompt, command->values.text("negative_prompt"), 0}, command->values);
  EXPECT_TRUE(parsed.has_value()) << line;
  return token_log(*parsed, *tokenizer_of({}),
                   {.marks = marks, .continued = prompts_are_continued(command->values)});
}

TEST(TokenLog, LinesOfTheTable) {
  std::ifstream table(std::string(INVOKEAI_TEST_DATA) + "/cli/tables/token_log.txt");
  std::vector<std::pair<std::string, Lines>> cases;
  for (std::string row; std::getline(table, row);) {
    if (row.starts_with("> ")) cases.push_back({row.substr(2), {}});
    if (row.starts_with("= ")) cases.back().second.push_back(row.substr(2));
  }
  EXPECT_GE(cases.size(), 8u);
  for (const auto& [line, expected] : cases) EXPECT_EQ(log_of(line, TokenMarks::bars), expected);
}

TEST(TokenLog, ColoursGoRoundAndEnd) {
  const Lines log = log_of("a b c d e f g", TokenMarks::colours);
  ASSERT_EQ(log.size(), 5u);
  EXPECT_EQ(log[3],
            "\x1b[0;31;40ma \x1b[0;32;40mb \x1b[0;33;40mc \x1b[0;34;40md \x1b[0;35;40me "
            "\x1b[0;36;40mf \x1b[0;31;40mg \x1b[0m");
}

TEST(TokenLog, NothingInAPromptCommandsTheTerminal) {
  for (const std::string& line : log_of("a \x1b[2J cat [\x1b[31m]", TokenMarks::bars))
    EXPECT_EQ(line.find('\x1b'), line.npos) << line;
}

TEST(TokenLog, UsesTheModelsOwnTokenizer) {
  pipeline::ModelInfo demo;
  demo.path = INVOKEAI_SOURCE_ROOT "/models/demo";
  EXPECT_LT(tokenizer_of(demo)->vocab_size(), 10000);
  pipeline::ModelInfo sd2;
  sd2.kind = "sd2-v";
  EXPECT_EQ(tokenizer_of(sd2)->pad_id(), 0);
  EXPECT_EQ(tokenizer_of({})->pad_id(), tokenizer_of({})->eos());
}

}  // namespace
}  // namespace invokeai::cli
