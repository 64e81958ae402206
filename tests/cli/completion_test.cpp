#include "cli/completion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <random>

namespace invokeai::cli {
namespace {

using Names = std::vector<std::string>;

CompletionSources sources() {
  static const std::map<std::string, std::vector<FolderEntry>> kFolders = {
      {".",
       {{"Cat.PNG", false},
        {"dog.jpg", false},
        {"notes.md", false},
        {"more.txt", false},
        {"pictures", true},
        {".hidden.png", false},
        {"two words.png", false},
        {".git", true}}},
      {"./", {{"Cat.PNG", false}}},
      {"pictures/", {{"deep", true}, {"deeper.gif", false}}},
      {"/home/ann/", {{"holiday.jpeg", false}}},
      {"/root/", {{"outputs", true}, {"new.safetensors", false}, {"list.yaml", false}}},
      {"/out/", {{"000001.42.png", false}, {"000002.43.png", false}}}};
  CompletionSources sources;
  sources.list_folder = [](const fs::path& folder) {
    const auto found = kFolders.find(folder.string());
    return found == kFolders.end() ? std::vector<FolderEntry>() : found->second;
  };
  sources.root = "/root";
  sources.output_folder = "/out";
  sources.home = "/home/ann";
  sources.models = {"sd-1.4", "sd-1.5", "old.ckpt"};
  sources.checkpoints = {"old.ckpt"};
  sources.seeds = {"42", "123", "1234"};
  sources.triggers = {"<my-style>", "<old>"};
  return sources;
}

/// The table's line with its cursor taken out; the end where none is marked.
std::pair<std::string, std::size_t> line_and_cursor(std::string text) {
  const std::size_t mark = text.find('^');
  if (mark == text.npos) return {text, text.size()};
  text.erase(mark, 1);
  return {text, mark};
}

TEST(Completion, LinesOfTheTable) {
  std::ifstream table(std::string(INVOKEAI_TEST_DATA) + "/cli/tables/completions.txt");
  int cases = 0;
  for (std::string row; std::getline(table, row);) {
    if (row.empty() || row.starts_with('#')) continue;
    ++cases;
    const auto arrow = row.find(" ==> "), bar = row.find(" |", arrow);
    ASSERT_TRUE(arrow != row.npos && bar != row.npos) << row;
    const auto [line, cursor] = line_and_cursor(row.substr(0, arrow));
    const auto [after, after_cursor] = line_and_cursor(row.substr(arrow + 5, bar - arrow - 5));
    const Completion found = complete(line, cursor, sources());
    EXPECT_EQ(line.substr(0, found.begin) + found.text + line.substr(cursor), after) << row;
    EXPECT_EQ(found.begin + found.text.size(), after_cursor) << row;
    const std::string wanted = row.substr(std::min(bar + 3, row.size()));
    if (wanted == "(switches)")
      EXPECT_GT(found.candidates.size(), 30u) << row;
    else
      EXPECT_EQ(fmt::format("{}", fmt::join(found.candidates, " ")), wanted) << row;
  }
  EXPECT_GT(cases, 60);
}

TEST(Completion, AnyLineIsCompletedWithinItself) {
  const Names pieces = {" ",      "-",    "--", "<",  "!fix",  "!",  "-I", "-S",
                        "=",      "a",    "\\", "猫", "/",     "~",  "\"", "'",
                        "--seed", "\xff", "#",  "-A", "k_eul", "./", "\t", "^"};
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    std::string line;
    for (auto length = random() % 9; length > 0; --length) line += pieces[random() % pieces.size()];
    const std::size_t cursor = random() % (line.size() + 3);  // also behind the end
    const Completion found = complete(line, cursor, sources());
    ASSERT_LE(found.begin, std::min(cursor, line.size())) << line;
    if (!found.candidates.empty()) continue;
    EXPECT_EQ(line.substr(0, found.begin) + found.text, line.substr(0, cursor)) << line;
  }
}

TEST(Completion, Columns) {
  EXPECT_EQ(in_columns({}, 20), Names{});
  EXPECT_EQ(in_columns({"a", "bb", "c", "d", "e"}, 12), (Names{"a   c   e", "bb  d"}));
  EXPECT_EQ(in_columns({"猫", "bb"}, 80), (Names{"猫   bb"}));
  EXPECT_EQ(in_columns({"long name"}, 3), (Names{"long name"}));
  EXPECT_EQ(in_columns({"a", "b", "c"}, 1, 2), (Names{"a", "b", "... and 1 more"}));
}

TEST(Completion, ListsRealFolders) {
  const auto entries = list_folder(std::string(INVOKEAI_TEST_DATA) + "/cli");
  const auto has = [&](std::string_view name, bool is_folder) {
    return std::ranges::any_of(entries, [&](const FolderEntry& entry) {
      return entry.name == name && entry.is_folder == is_folder;
    });
  };
  EXPECT_TRUE(has("tables", true) && has("completion_test.cpp", false));
  EXPECT_TRUE(list_folder("/nowhere").empty());
}

}  // namespace
}  // namespace invokeai::cli
