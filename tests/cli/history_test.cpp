#include "cli/history.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace invokeai::cli {
namespace {

class HistoryTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("invokeai-history-{}", ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  History open() { return History::open(folder_, notices_); }
  fs::path file() const { return folder_ / ".invoke_history"; }
  void write(std::string_view text) const { std::ofstream(file(), std::ios::binary) << text; }

  fs::path folder_;
  std::vector<std::string> notices_;
};

using Lines = std::vector<std::string>;

TEST_F(HistoryTest, IsKeptLineByLine) {
  History first = open();
  EXPECT_TRUE(first.lines().empty());
  ASSERT_TRUE(first.add("a cat -n2").has_value());
  ASSERT_TRUE(first.add("猫").has_value());
  ASSERT_TRUE(first.add("猫").has_value()) << "not repeated";
  EXPECT_EQ(*read_file(file()), "a cat -n2\n猫\n") << "at once, not at the end";
  History second = open();
  EXPECT_EQ(second.lines(), (Lines{"a cat -n2", "猫"}));
  ASSERT_TRUE(first.add("from the first").has_value());
  ASSERT_TRUE(second.add("from the second").has_value());
  EXPECT_EQ(open().lines(), (Lines{"a cat -n2", "猫", "from the first", "from the second"}));
  EXPECT_TRUE(notices_.empty());
}

TEST_F(HistoryTest, NumbersAndSearch) {
  History history;
  for (const char* line : {"a cat", "a dog", "a CAT"}) ASSERT_TRUE(history.add(line).has_value());
  EXPECT_EQ(history.at("2"), "a dog");
  for (const char* number : {"0", "4", "", "x", "99999999999999999999999"})
    EXPECT_FALSE(history.at(number).has_value()) << number;
  EXPECT_EQ(history.search("cat"), (Lines{"[1] a cat"}));
  EXPECT_EQ(history.search("a").size(), 3u);
}

TEST_F(HistoryTest, ReadsFilesOfTheOriginalAndKeepsTheLastThousand) {
  std::string text = "  \r\n";
  for (int i = 0; i < 1200; ++i) text += fmt::format("line {}\r\n", i);
  write(text + "the last has no end");
  const History history = open();
  ASSERT_EQ(history.lines().size(), History::kMaxLines);
  EXPECT_EQ(history.lines().front(), "line 201");
  EXPECT_EQ(history.lines().back(), "the last has no end");
  EXPECT_TRUE(read_file(file())->starts_with("line 201\nline 202\n"));
}

TEST_F(HistoryTest, ClearsMemoryAndFile) {
  write("a\nb\n");
  History history = open();
  ASSERT_TRUE(history.clear().has_value());
  EXPECT_TRUE(history.lines().empty());
  EXPECT_EQ(*read_file(file()), "");
  EXPECT_TRUE(History().clear().has_value());
}

TEST_F(HistoryTest, UnreadableFilesAreSetAside) {
  write("a cat\xff\n");
  History history = open();
  EXPECT_TRUE(history.lines().empty());
  ASSERT_EQ(notices_.size(), 1u);
  EXPECT_NE(notices_[0].find(".invoke_history.old"), std::string::npos) << notices_[0];
  EXPECT_EQ(*read_file(folder_ / ".invoke_history.old"), "a cat\xff\n");
  ASSERT_TRUE(history.add("a dog").has_value());
  EXPECT_EQ(*read_file(file()), "a dog\n");
}

TEST_F(HistoryTest, AFolderInItsPlaceOrNoRoomCostsOnlyTheFile) {
  History history = History::open(folder_ / "nowhere", notices_);
  const auto added = history.add("a cat");
  ASSERT_FALSE(added.has_value());
  EXPECT_NE(added.error().message.find("the history is not kept"), std::string::npos);
  EXPECT_EQ(history.lines(), (Lines{"a cat"}));
}

}  // namespace
}  // namespace invokeai::cli
