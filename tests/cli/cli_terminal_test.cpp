// The program on a terminal: keys, completion, history and Ctrl-C.

#include "cli/run_program.h"

namespace invokeai {
namespace {

using namespace cli::test;

constexpr const char* kUp = "\x1b[A";
constexpr const char* kDown = "\x1b[B";
constexpr const char* kRight = "\x1b[C";
constexpr const char* kLeft = "\x1b[D";
constexpr const char* kHome = "\x1b[H";

TEST_F(Terminal, PromptBarAndQuit) {
  open({});
  ASSERT_TRUE(shows("(demo) invoke> ")) << screen_;
  type("猫 -s 4 -S 9\n");
  EXPECT_TRUE(shows("[##############################] 4/4 ")) << screen_;
  EXPECT_TRUE(shows("猫 -s 4 -S 9 -W 64")) << screen_;
  ASSERT_TRUE(shows("(demo) invoke> ")) << screen_;
  type("bad -s 0\n");
  EXPECT_TRUE(shows("error: -s takes")) << screen_;
  ASSERT_TRUE(shows("(demo) invoke> ")) << screen_;
  type("q\n");
  EXPECT_TRUE(shows("good-bye")) << screen_;
  EXPECT_EQ(status_of(child_), 0);
}

TEST_F(Terminal, CtrlCStopsThePictureThenTheProgram) {
  variables_[0] = "INVOKEAI_ENGINE=fake-slow";
  open({});
  ASSERT_TRUE(asks()) << screen_;
  type("a cat -s 900\n");
  ASSERT_TRUE(shows("3/900")) << screen_;
  ::kill(child_, SIGINT);
  EXPECT_TRUE(shows("interrupted")) << screen_;
  ASSERT_TRUE(asks()) << screen_;
  type("again -s 2\n");
  EXPECT_TRUE(shows("again -s 2 -S")) << screen_;
  ASSERT_TRUE(asks()) << screen_;
  type("half a li\x03");
  shows("good-bye");  // or not: the terminal drops unread output on this key
  EXPECT_EQ(status_of(child_), 0);
}

TEST_F(Terminal, LeavingThePagerKeepsTheSession) {
  variables_.push_back("PAGER=head -n 1");
  open({});
  ASSERT_TRUE(asks()) << screen_;
  type("-h\n");
  EXPECT_TRUE(shows("usage: a prompt in plain words")) << screen_;
  ASSERT_TRUE(asks()) << screen_;
  type("q\n");
  EXPECT_TRUE(shows("good-bye")) << screen_;
  EXPECT_EQ(status_of(child_), 0);
}

TEST_F(Terminal, EditsWithArrowKeys) {
  open({});
  ASSERT_TRUE(asks()) << screen_;
  // Home, three steps to the right; left from the end and back over one letter.
  type("a dg -s 2 -S 6" + std::string(kHome) + kRight + kRight + kRight + "o\n");
  EXPECT_TRUE(shows(": a dog -s 2 -S 6 -W 64")) << screen_;
  ASSERT_TRUE(asks()) << screen_;
  type("a caxt -s 2 -S 7");
  for (int i = 0; i < 11; ++i) type(kLeft);
  type("\x7f\n");
  EXPECT_TRUE(shows(": a cat -s 2 -S 7 -W 64")) << screen_;
  ASSERT_TRUE(asks()) << screen_;
  type("猫é x" + std::string(kLeft) + kLeft + kLeft + "\x7f" + "\x05" + "\x7f" + "y -s 2 -S 8\n");
  EXPECT_TRUE(shows(": é y -s 2 -S 8 -W 64")) << screen_;
  quit();
}

TEST_F(Terminal, HistoryOutlivesTheSession) {
  open({});
  for (const char* line : {"one -s 2 -S 1", "two -s 2 -S 2", "!history"}) {
    ASSERT_TRUE(asks()) << screen_;
    type(std::string(line) + "\n");
  }
  EXPECT_TRUE(shows("[1] one -s 2 -S 1\r\n[2] two -s 2 -S 2\r\n")) << screen_;
  quit();
  open({});
  ASSERT_TRUE(asks()) << screen_;
  type(std::string(kUp) + kUp + kUp + kDown + "1\n");
  EXPECT_TRUE(shows(": two -s 2 -S 21 -W 64")) << screen_;
  ASSERT_TRUE(asks()) << screen_;
  type("!1\n");
  ASSERT_TRUE(shows("invoke> one -s 2 -S 1")) << "the line is there to be edited\n" << screen_;
  type("7\n");
  EXPECT_TRUE(shows(": one -s 2 -S 17 -W 64")) << screen_;
  ASSERT_TRUE(asks()) << screen_;
  type("!fetch 000001.1.png\n");
  ASSERT_TRUE(shows("invoke> one -s 2 -S 1 -W 64")) << screen_;
  type(" -S 5\n");
  EXPECT_TRUE(shows(": one -s 2 -S 5 -W 64")) << screen_;
  ASSERT_TRUE(asks()) << screen_;
  type("\x12two -s\n");  // Ctrl-R finds the latest
  EXPECT_TRUE(shows(": two -s 2 -S 21 -W 64")) << screen_;
  ASSERT_TRUE(asks()) << screen_;
  type("!search wo\n");
  EXPECT_TRUE(shows("[2] two -s 2 -S 2\r\n")) << screen_;
  quit();
}

TEST_F(Terminal, TabCompletes) {
  fs::create_directories(folder_ / "two words");
  std::ofstream(folder_ / "two words" / "more.txt") << "from a file -s 2 -S 4\n";
  open({});
  ASSERT_TRUE(asks()) << screen_;
  type("a cat -A k_heu\t--ste\t2 -S 3\n");
  EXPECT_TRUE(shows(": a cat -s 2 -S 3 -W 64 -H 64 -C 7.5 -A k_heun")) << screen_;
  ASSERT_TRUE(asks()) << screen_;
  type("dog -s 2 -A k_dpm\t");
  EXPECT_TRUE(shows("k_dpm_2")) << "the candidates are listed\n" << screen_;
  ASSERT_TRUE(shows("k_dpmpp_2_a")) << screen_;
  ASSERT_TRUE(shows("invoke> dog -s 2 -A k_dpm")) << screen_;
  type("_2_\t-S \t\n");  // completed, and the only seed of this session
  EXPECT_TRUE(shows(": dog -s 2 -S 3 -W 64 -H 64 -C 7.5 -A k_dpm_2_a")) << screen_;
  ASSERT_TRUE(asks()) << screen_;
  type("!rep\t" + folder_.string() + "/tw\tmo\t\n");
  EXPECT_TRUE(shows(": from a file -s 2 -S 4 -W 64")) << screen_;
  quit();
}

TEST_F(Terminal, CtrlCKeyEndsOnlyThePicture) {
  variables_[0] = "INVOKEAI_ENGINE=fake-slow";
  open({});
  ASSERT_TRUE(asks()) << screen_;
  type("a cat -s 900\n");
  ASSERT_TRUE(shows("3/900")) << screen_;
  type("\x03");
  EXPECT_TRUE(shows("interrupted; finished pictures are kept")) << screen_;
  ASSERT_TRUE(asks()) << screen_;
  std::ofstream(folder_ / "two.txt") << "first -s 900\nsecond -s 2\n";
  type("!replay " + (folder_ / "two.txt").string() + "\n");
  ASSERT_TRUE(shows("3/900")) << screen_;
  type("\x03");
  EXPECT_TRUE(shows("interrupted")) << screen_;
  quit();
  EXPECT_EQ(screen_.find("# second"), screen_.npos) << "the whole file is left";
}

TEST_F(Terminal, FailuresKeepTheSessionUntilTheInputEnds) {
  open({});
  const std::pair<std::string, const char*> failures[] = {
      {"a cat --nonsense", "there is no switch '--nonsense'"},
      {"a cat -o \"x", "a quote"},
      {"!replay /nowhere.txt", "cannot read the file '/nowhere.txt'"},
      {"!replay " + folder_.string(), "cannot read the file"},
      {"a cat -I " + (folder_ / "file").string(), "not a picture"},
      {"!fetch " + (folder_ / "file").string(), "/file: not a picture"},
      {"!fix " + (folder_ / "file").string() + " -c top 64", "not a picture"},
      {"!fix nothing.png -G 1", "there is no file 'nothing.png'"},
      {"!switch other", "needs the list of models"},
      {"!99", "there is no line '99'"},
      {"a cat -o /dev/null/x", "cannot write into the output folder"}};
  for (const auto& [line, answer] : failures) {
    ASSERT_TRUE(asks()) << screen_;
    type(line + "\n");
    EXPECT_TRUE(shows("error: ")) << line << screen_;
    EXPECT_TRUE(shows(answer)) << line << screen_;
  }
  ASSERT_TRUE(asks()) << screen_;
  type("still here -s 2 -S 1\n");
  EXPECT_TRUE(shows(": still here -s 2 -S 1")) << screen_;
  ASSERT_TRUE(asks()) << screen_;
  type("\x04");
  EXPECT_TRUE(shows("good-bye")) << screen_;
  EXPECT_EQ(status_of(child_), 0);
}

}  // namespace
}  // namespace invokeai
