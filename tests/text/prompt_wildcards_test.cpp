// Dynamic prompts: choices, files, enumeration, and hostile nesting.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "text/wildcards.h"

namespace invokeai::text {
namespace {

using Lines = std::vector<std::string>;

WildcardSource from_map(std::map<std::string, Lines, std::less<>> files) {
  return [files = std::move(files)](std::string_view name) -> Result<Lines> {
    const auto found = files.find(name);
    if (found == files.end()) return fail(ErrorCode::not_found, "test", "no {}", name);
    return found->second;
  };
}

DynamicPrompt parse(std::string_view prompt, const WildcardSource& source = from_map({})) {
  auto parsed = DynamicPrompt::parse(prompt, source);
  EXPECT_TRUE(parsed) << parsed.error().text();
  return parsed ? std::move(*parsed) : DynamicPrompt();
}

TEST(Wildcards, EnumeratesEveryVariantInOrder) {
  const DynamicPrompt prompt = parse("{red|blue} {cat|dog|}");
  EXPECT_EQ(prompt.all().value(),
            (Lines{"red cat", "red dog", "red ", "blue cat", "blue dog", "blue "}));
}

TEST(Wildcards, NestedChoicesCountTheirOwnVariants) {
  const DynamicPrompt prompt = parse("{a|{b|c} {d|e}} {x|y}");
  EXPECT_EQ(prompt.count(), 10u);
  const Lines all = prompt.all().value();
  EXPECT_EQ(all[0], "a x");
  EXPECT_EQ(all[1], "a y");
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()),
            (std::set<std::string>{"a x", "b d x", "b e x", "c d x", "c e x", "a y", "b d y",
                                   "b e y", "c d y", "c e y"}));
}

TEST(Wildcards, TextWithoutWildcardsIsUntouched) {
  for (const char* text : {"", "a (b:1.2) [c|d] \\(x\\)", "{a}", "a_b __init", "snake_case_ _x_"}) {
    const DynamicPrompt prompt = parse(text);
    EXPECT_EQ(prompt.count(), 1u);
    EXPECT_EQ(prompt.variant(0), text);
    EXPECT_TRUE(prompt.notes().empty());
  }
}

TEST(Wildcards, EscapesGiveThePlainCharacters) {
  EXPECT_EQ(parse("\\{a|b\\} \\__x__ {c\\|d|e}").all().value(),
            (Lines{"{a|b} __x__ c|d", "{a|b} __x__ e"}));
}

TEST(Wildcards, FilesMayHoldWildcards) {
  const auto source = from_map({{"colour", {"red", "{light|dark} blue"}}, {"pets/small", {"cat"}}});
  EXPECT_EQ(parse("__colour__ __pets/small__", source).all().value(),
            (Lines{"red cat", "light blue cat", "dark blue cat"}));
}

TEST(Wildcards, WhatHasNoPartnerStaysTextWithANote) {
  const DynamicPrompt prompt = parse("caf\xC3\xA9 {a|b x} } { __none__");
  EXPECT_EQ(prompt.all().value(),
            (Lines{"caf\xC3\xA9 a } { __none__", "caf\xC3\xA9 b x } { __none__"}));
  ASSERT_EQ(prompt.notes().size(), 3u);
  EXPECT_EQ(prompt.notes()[0].column, 14u);
  EXPECT_EQ(prompt.notes()[1].column, 16u);
  EXPECT_EQ(prompt.notes()[2], (Note{18, "__none__ stays text: there is no such wildcard file"}));
}

TEST(Wildcards, SeedDecidesTheChoice) {
  const DynamicPrompt prompt = parse("{a|b|c|d} {1|2|3} {x|y}");
  // Fixed for ever: a seed stored with a picture must give its prompt again.
  EXPECT_EQ(prompt.choose(0), "a 2 y");
  EXPECT_EQ(prompt.choose(1), "d 3 y");
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 0; seed < 24'000; ++seed) ++seen[prompt.choose(seed)];
  EXPECT_EQ(seen.size(), 24u);
  for (const auto& [text, count] : seen) EXPECT_NEAR(count, 1000, 160) << text;
}

TEST(Wildcards, HostilePromptsEndInErrors) {
  const auto loop = from_map({{"a", {"__b__"}}, {"b", {"__a__"}}});
  EXPECT_EQ(DynamicPrompt::parse("__a__", loop).error().code, ErrorCode::bad_file);
  EXPECT_EQ(DynamicPrompt::parse("__a__", from_map({{"a", {}}})).error().code, ErrorCode::bad_file);
  std::map<std::string, Lines, std::less<>> doubling{{"f40", {"some text"}}};
  for (int i = 0; i < 40; ++i) {
    const std::string next = "__f" + std::to_string(i + 1) + "__";
    doubling["f" + std::to_string(i)] = {next + next};
  }
  EXPECT_EQ(DynamicPrompt::parse("__f0__", from_map(doubling)).error().code,
            ErrorCode::invalid_argument);
  std::string deep, many;
  for (int i = 0; i < 100'000; ++i) deep += "{a|";
  EXPECT_TRUE(DynamicPrompt::parse(deep, loop));  // open braces are text
  EXPECT_EQ(DynamicPrompt::parse(deep + std::string(100'000, '}'), loop).error().code,
            ErrorCode::invalid_argument);
  for (int i = 0; i < 100; ++i) many += "{a|b}";
  const DynamicPrompt prompt = parse(many);
  EXPECT_EQ(prompt.count(), ~std::uint64_t{0});
  EXPECT_EQ(prompt.all().error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(prompt.choose(7).size(), 100u);
}

TEST(Wildcards, FolderReadsLinesAndStaysInside) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "wildcards_test";
  std::filesystem::create_directories(folder / "sub");
  std::ofstream(folder / "sub" / "tree.txt") << "# trees\r\n oak \r\n\r\nash";
  std::ofstream(folder.parent_path() / "outside.txt") << "secret";
  const WildcardSource source = wildcard_folder(folder);
  EXPECT_EQ(parse("__sub/tree__", source).all().value(), (Lines{"oak", "ash"}));
  EXPECT_EQ(parse("__../outside__", source).all().value(), (Lines{"__../outside__"}));
  EXPECT_EQ(parse("__/etc/hostname__", source).all().value(), (Lines{"__/etc/hostname__"}));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace invokeai::text
