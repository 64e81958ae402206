// The prompt language against tables of worked prompts, and what keeps it safe and quick.

#include "text/prompt_parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <set>
#include <string>

#include "text/prompt_print.h"
#include "text/prompt_table.h"

namespace invokeai::text {
namespace {

void check(const PromptCase& expected, PromptDialect dialect) {
  SCOPED_TRACE("# " + expected.name + "  > " + expected.prompt);
  ParseOptions options;
  options.dialect = dialect;
  for (const std::string& option : expected.options) {
    if (option == "skip_normalize") options.skip_normalize = true;
    if (option.rfind("negative ", 0) == 0) options.negative = option.substr(9);
  }
  const auto parsed = parse_prompt(expected.prompt, options);
  if (!expected.error.empty()) {
    ASSERT_FALSE(parsed) << describe(parsed->positive);
    EXPECT_NE(parsed.error().message.find(expected.error), std::string::npos)
        << parsed.error().message;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
    return;
  }
  ASSERT_TRUE(parsed) << parsed.error().text();
  std::string columns;
  for (const Note& note : parsed->notes)
    columns += (columns.empty() ? "" : " ") + std::to_string(note.column);
  EXPECT_EQ(describe(parsed->positive), expected.tree);
  EXPECT_EQ(describe(parsed->negative), expected.negative);
  EXPECT_EQ(columns, expected.columns);
}

TEST(PromptParser, WorkedExamples) {
  const auto cases = read_prompt_table("prompts.txt");
  std::set<std::string> names;
  for (const PromptCase& one : cases) {
    check(one, PromptDialect::invoke);
    names.insert(one.name);
  }
  EXPECT_EQ(std::count_if(names.begin(), names.end(),
                          [](const std::string& name) { return std::isdigit(name[0]); }),
            86);
}

TEST(PromptParser, SecondDialect) {
  const auto cases = read_prompt_table("prompts_a1111.txt");
  for (const PromptCase& one : cases) check(one, PromptDialect::a1111);
  EXPECT_GT(cases.size(), 20u);
}

TEST(PromptParser, NotesSayWhatIsWrong) {
  const auto parsed = parse_prompt("a (b.c)1.2 caf\xC3\xA9 (x");
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->notes.size(), 2u);
  EXPECT_EQ(parsed->notes[0], (Note{3,
                                    "'(' stays text: '.' at column 5 cannot stand inside; "
                                    "write \\."}));
  EXPECT_EQ(parsed->notes[1], (Note{17, "'(' stays text: it is never closed"}));
}

TEST(PromptParser, ColumnsSurviveCutting) {
  // The negative part and the blend's weights are gone when the grammar meets the bracket.
  const auto parsed = parse_prompt("[n] a:2 b (c");
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->notes.size(), 2u);
  EXPECT_EQ(parsed->notes[1].column, 11u);
}

TEST(PromptParser, NotesAreBounded) {
  std::string prompt;
  for (int i = 0; i < 1000; ++i) prompt += "a) ";
  const auto parsed = parse_prompt(prompt);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->notes.size(), 21u);
  EXPECT_EQ(parsed->notes.back().message, "980 further notes left out");
}

TEST(PromptParser, NegativeGivenApart) {
  ParseOptions options;
  options.negative = "(blurry)+";
  const auto parsed = parse_prompt("a [x] b", options);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(describe(parsed->negative),
            "FlattenedPrompt:[Fragment:'x'@1.0, Fragment:'blurry'@1.1]");
}

TEST(PromptParser, BlendFactors) {
  const auto parsed = parse_prompt("(a, b).blend(3, 1)");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->positive.members[0].factors(), (std::vector<double>{0.75, 0.25}));
  const auto raw = parse_prompt("(a, b).blend(3, 1, no_normalize)");
  ASSERT_TRUE(raw);
  EXPECT_EQ(raw->positive.members[0].factors(), (std::vector<double>{3, 1}));
}

TEST(PromptParser, TokenizerTextDropsTheBackslashesThatTheTreeKeeps) {
  const auto parsed = parse_prompt("v1\\.5 a\\+ \\(x\\) c\\:d");
  ASSERT_TRUE(parsed);
  const auto list = fragments(parsed->positive.members[0].parts[0]);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].text, "v1\\.5 a\\+ (x) c\\:d");
  EXPECT_EQ(tokenizer_text(list[0]), "v1.5 a+ (x) c:d");
}

TEST(PromptParser, SwapSides) {
  const auto parsed = parse_prompt("a cat.swap(big dog) sits");
  ASSERT_TRUE(parsed);
  const Prompt& prompt = parsed->positive.members[0].parts[0];
  EXPECT_TRUE(prompt.has_swap());
  EXPECT_EQ(fragments(prompt, SwapSide::original)[1].text, "cat");
  EXPECT_EQ(fragments(prompt, SwapSide::edited)[1].text, "big dog");
}

TEST(PromptParser, FragmentsKnowTheirPlaces) {
  const auto swap = parse_prompt("a cat.swap(big dog) sits");
  const auto edited = placed_fragments(swap->positive.members[0].parts[0], SwapSide::edited);
  ASSERT_EQ(edited.size(), 3u);
  EXPECT_TRUE(edited[1].swapped);
  EXPECT_EQ(edited[2].piece, 2u);
  EXPECT_FALSE(edited[2].swapped);

  const auto blocks = parse_prompt("[x:0.5] BREAK a BREAK (b)", {.dialect = PromptDialect::a1111});
  const Prompt& prompt = blocks->positive.members[0].parts[0];
  const auto early = placed_fragments(prompt, SwapSide::original, 0, 10);
  ASSERT_EQ(early.size(), 2u);
  EXPECT_EQ(early[0].block, 1u);
  EXPECT_EQ(early[1].block, 2u);
  EXPECT_EQ(placed_fragments(prompt, SwapSide::original, 5, 10).size(), 3u);
}

std::string repeat(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

/// Processor time of one parse: what other programs do meanwhile does not count.
double milliseconds(const std::string& prompt, PromptDialect dialect = PromptDialect::invoke) {
  ParseOptions options;
  options.dialect = dialect;
  const std::clock_t start = std::clock();
  const auto parsed = parse_prompt(prompt, options);
  const double time = 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_TRUE(parsed || parsed.error().code == ErrorCode::invalid_argument);
  return time;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kSlower = 20;  // sanitizers
#elif defined(__OPTIMIZE__)
constexpr double kSlower = 1;
#else
constexpr double kSlower = 10;
#endif

TEST(PromptParser, TenThousandBracketsInTenMilliseconds) {
  for (const std::string open : {"(", "[", "((a) ", "a.swap("}) {
    for (const std::string close : {")", "", "]", ")+"}) {
      const std::string prompt = repeat(open, 10'000) + "a" + repeat(close, 10'000);
      double best = milliseconds(prompt);
      for (int i = 0; i < 4; ++i) best = std::min(best, milliseconds(prompt));
      EXPECT_LT(best, 10 * kSlower) << open << " ... " << close;
    }
  }
  const auto parsed = parse_prompt(repeat("(", 10'000) + "a" + repeat(")", 10'000));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(describe(parsed->positive.members[0]), "FlattenedPrompt:[Fragment:'a'@1.0]");
}

TEST(PromptParser, HostileTextTakesLinearTime) {
  // Each family is read at n and at 8 n repetitions; quadratic reading would take 64 times as long.
  const std::vector<std::pair<std::string, std::string>> families = {{"(", ")"},
                                                                     {"( ", ""},
                                                                     {"\"(", ""},
                                                                     {"( y,x.swap (", "b, k=1))"},
                                                                     {"a.swap(", ")"},
                                                                     {"a.swap( ", ""},
                                                                     {"(\" ", " . "},
                                                                     {"(a ", ". ) "},
                                                                     {"[", ""},
                                                                     {"[a ", "] "},
                                                                     {"a: ", ""},
                                                                     {"\\\"", "\""},
                                                                     {"((a.b ", "))+"},
                                                                     {"x.attend( ", ""},
                                                                     {"(a, (b).blend(", ""},
                                                                     {"{", "|}"},
                                                                     {"<lora:", ""},
                                                                     {"(a:", "1)"},
                                                                     {"[a:b:", "0.5]"},
                                                                     {" AND ", ":1"}};
  for (const PromptDialect dialect : {PromptDialect::invoke, PromptDialect::a1111}) {
    for (const auto& [open, close] : families) {
      const auto time = [&](int n) {
        const std::string prompt = repeat(open, n) + repeat(close, n);
        return std::min(milliseconds(prompt, dialect), milliseconds(prompt, dialect));
      };
      EXPECT_LT(time(32'000), 30 * time(4'000) + 5 * kSlower) << open << " ... " << close;
    }
  }
}

TEST(PromptParser, AMillionBracketsDoNotCrash) {
  milliseconds(repeat("(", 1'000'000) + "a" + repeat(")", 1'000'000));
  milliseconds(repeat("[", 1'000'000), PromptDialect::a1111);
  milliseconds(repeat("(", 1'000'000) + "a" + repeat(":1)", 1'000'000), PromptDialect::a1111);
}

TEST(PromptParser, Dialects) {
  EXPECT_EQ(parse_dialect("a1111").value(), PromptDialect::a1111);
  EXPECT_EQ(parse_dialect("invoke").value(), PromptDialect::invoke);
  EXPECT_FALSE(parse_dialect("comfy"));
}

}  // namespace
}  // namespace invokeai::text
