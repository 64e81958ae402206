// Printing: the text of a parsed prompt parses to the same tree, and JSON has all of it.

#include "text/prompt_print.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "text/prompt_parser.h"

namespace invokeai::text {
namespace {

std::string print(std::string_view prompt) {
  const auto parsed = parse_prompt(prompt);
  return parsed ? print_prompt(*parsed) : parsed.error().text();
}

TEST(PromptPrint, WritesWeightsAsNumbersAndNegativesLast) {
  EXPECT_EQ(print("a [ugly+] red-- (big barn)+"), "a (red)0.81 (big barn)1.1 [(ugly)1.1]");
  EXPECT_EQ(print("(a cat.swap(dog, s_end=0.5))+"),
            "(a)1.1 ((cat)1.1).swap((dog)1.1, s_start=0, s_end=0.5, t_start=0.1, t_end=1)");
  EXPECT_EQ(print("(\"a b\", c).blend(1, -0.5, no_normalize)"),
            "((a b), (c)).blend(1, -0.5, no_normalize)");
  EXPECT_EQ(print("Title: a cat"), "Title:1 a cat:1");
  EXPECT_EQ(print("a (b.c)1.2"), "a (b.c)1.2");
  EXPECT_EQ(print("a cat:0.5"), "a cat:0.5");
}

TEST(PromptPrint, WeightsHaveNoExponent) {
  EXPECT_EQ(print("a" + std::string(200, '-')).find('e'), std::string::npos);
}

/// Prompts from pieces that are likely to touch each other in bad ways.
std::string random_prompt(std::mt19937& random) {
  static const std::vector<std::string> kPieces = {"a",          "cat",
                                                   "b ",         "(",
                                                   ")",          "\"",
                                                   "+",          "--",
                                                   ",",          ".",
                                                   "=",          "\\",
                                                   " ",          " ",
                                                   "\n",         ":",
                                                   "[",          "]",
                                                   "1.5",        ".5",
                                                   ":2",         "\\(",
                                                   "\\)",        "\\\"",
                                                   "\\:",        ".swap(",
                                                   ".swap(x)",   ".attend(2)",
                                                   "(a b)+",     "\"q r\"",
                                                   "(\"a\", b)", ".blend(1,2)",
                                                   ".and()",     "(a, (b c)).blend(1,1)",
                                                   "[n]",        "s_end=0.5",
                                                   "\"\"",       "()",
                                                   "(c)1",       "\xC3\xA9",
                                                   "::",         "(a.b"};
  std::uniform_int_distribution<std::size_t> length(1, 14), piece(0, kPieces.size() - 1);
  std::string prompt;
  for (std::size_t i = length(random); i > 0; --i) prompt += kPieces[piece(random)];
  return prompt;
}

TEST(PromptPrint, RandomPromptsSurviveARoundTrip) {
  std::mt19937 random(20230209);
  int parsed_count = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string prompt = random_prompt(random);
    const auto parsed = parse_prompt(prompt);
    if (!parsed) continue;
    ++parsed_count;
    const std::string printed = print_prompt(*parsed);
    const auto again = parse_prompt(printed);
    ASSERT_TRUE(again) << prompt << "\nprinted as " << printed << '\n' << again.error().text();
    ASSERT_TRUE(*again == *parsed) << prompt << "\nprinted as " << printed << '\n'
                                   << describe(parsed->positive) << '\n'
                                   << describe(again->positive);
  }
  EXPECT_GT(parsed_count, 15'000);
}

TEST(PromptPrint, JsonHoldsTheWholeTree) {
  const auto parsed = parse_prompt("a cat.swap(dog) [x+]");
  ASSERT_TRUE(parsed);
  const auto json = nlohmann::json::parse(to_json(*parsed));
  const auto& part = json["positive"]["members"][0]["parts"][0];
  EXPECT_EQ(part["pieces"][0]["text"], "a");
  EXPECT_EQ(part["pieces"][1]["swap"]["edited"][0]["text"], "dog");
  EXPECT_EQ(part["pieces"][1]["swap"]["options"]["t_start"], 0.1);
  EXPECT_EQ(json["negative"][0]["weight"], 1.1);
  EXPECT_TRUE(json["notes"].empty());
}

TEST(PromptPrint, JsonSurvivesBrokenUtf8) {
  const auto parsed = parse_prompt("a \xFF b");
  ASSERT_TRUE(parsed);
  const auto json = nlohmann::json::parse(to_json(*parsed, -1));
  EXPECT_EQ(json["positive"]["members"][0]["parts"][0]["pieces"][0]["text"], "a \xEF\xBF\xBD b");
}

TEST(PromptPrint, JsonShowsSchedules) {
  ParseOptions options;
  options.dialect = PromptDialect::a1111;
  const auto parsed = parse_prompt("[a:b:0.4] <lora:ink:0.8>", options);
  ASSERT_TRUE(parsed);
  const auto json = nlohmann::json::parse(to_json(*parsed));
  const auto& pieces = json["positive"]["members"][0]["parts"][0]["pieces"];
  EXPECT_EQ(pieces[0]["visible"][0]["until"], 0.4);
  EXPECT_EQ(pieces[1]["visible"][0]["from"], 0.4);
  EXPECT_EQ(json["loras"][0]["name"], "ink");
}

}  // namespace
}  // namespace invokeai::text
