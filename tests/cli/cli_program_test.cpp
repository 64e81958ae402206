// The program itself, on the fake engine.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <regex>
#include <thread>

#include "base/command_line.h"
#include "base/file.h"
#include "image/png.h"

namespace invokeai {
namespace {

using Words = std::vector<std::string>;
constexpr const char* kProgram = INVOKEAI_BINARY_ROOT "/bin/invokeai";

struct Finished {
  int status = -1;
  std::string out, error;
};

class Program : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / fmt::format("invokeai-{}-{}", test->name(), ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "demo");
    std::ofstream(folder_ / "file") << "x";
    variables_ = {"INVOKEAI_ENGINE=fake",
                  "INVOKEAI_DEMO_MODEL=" + (folder_ / "demo").string(),
                  "INVOKEAI_ROOT=" + (folder_ / "root").string(),
                  "HOME=" + folder_.string(),
                  "TERM=xterm",
                  "LC_ALL=C.UTF-8",
                  "PATH=/usr/bin:/bin"};
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path outputs() const { return folder_ / "root" / "outputs" / "img-samples"; }

  [[noreturn]] void become_program(const Words& words) const {
    std::vector<char*> arguments{const_cast<char*>(kProgram)}, environment;
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    for (const auto& text : variables_) environment.push_back(const_cast<char*>(text.c_str()));
    arguments.push_back(nullptr);
    environment.push_back(nullptr);
    ::execve(kProgram, arguments.data(), environment.data());
    ::_exit(99);
  }

  /// Starts the program with its streams on files in the test's folder.
  pid_t start(const Words& words, const std::string& input = "") const {
    std::ofstream(folder_ / "stdin") << input;
    const pid_t child = ::fork();
    if (child != 0) return child;
    const auto redirect = [this](const char* name, int flags, int to) {
      ::dup2(::open((folder_ / name).c_str(), flags, 0600), to);
    };
    redirect("stdin", O_RDONLY, STDIN_FILENO);
    redirect("stdout", O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    redirect("stderr", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    become_program(words);
  }

  static int status_of(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

  Finished finish(pid_t child) const {
    Finished result{status_of(child), {}, {}};
    result.out = read_file(folder_ / "stdout").value_or("?");
    result.error = read_file(folder_ / "stderr").value_or("?");
    return result;
  }

  Finished run(const Words& words, const std::string& input = "") const {
    return finish(start(words, input));
  }

  static Words files_in(const fs::path& folder) {
    Words names;
    if (fs::exists(folder))
      for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file()) names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }

  static std::size_t count(const std::string& text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) ++found;
    return found;
  }

  bool wait_for_file(const fs::path& path) const {
    for (int i = 0; i < 1000 && !fs::exists(path); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return fs::exists(path);
  }

  fs::path folder_;
  Words variables_;
};

TEST_F(Program, VersionAndHelpNeedNoEngine) {
  variables_[0] = "INVOKEAI_ENGINE=/nowhere/engine.so";
  const auto start = std::chrono::steady_clock::now();
  const Finished version = run({"--version"});
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(version.status, 0);
  EXPECT_EQ(version.out, "InvokeAI 2.3.0\n");
  EXPECT_EQ(version.error, "");
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LT(took, std::chrono::milliseconds(500)) << "50 ms on an idle machine";
#endif
  const Finished help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_NE(help.out.find("--steps, -s"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "root"));
}

TEST_F(Program, DrawsFourStars) {
  const Finished drawn =
      run({"a big red star on a blue background", "-s", "20", "-S", "42", "-n", "4"});
  EXPECT_EQ(drawn.status, 0) << drawn.error;
  const std::string first =
      "[1.1] " + (outputs() / "000001.42.png").string() +
      ": a big red star on a blue background -s 20 -S 42 -W 64 -H 64 -C 7.5 -A k_lms # seed 42, ";
  EXPECT_TRUE(drawn.out.starts_with(first)) << drawn.out;
  EXPECT_EQ(count(drawn.out, "\n"), 4u);
  EXPECT_TRUE(std::regex_search(drawn.error, std::regex("picture 4/4: step 20/20, [0-9.]+ st")))
      << drawn.error;
  EXPECT_EQ(count(drawn.error, "the fake engine paints without networks"), 1u);
  EXPECT_NE(drawn.error.find("--model <folder or file>"), std::string::npos);
  EXPECT_NE(drawn.error.find("4 pictures in "), std::string::npos);
  EXPECT_EQ(files_in(outputs()).size(), 6u);
  // What was printed draws the same picture again.
  const std::string line = drawn.out.substr(drawn.out.find(": ") + 2);
  EXPECT_EQ(run({"--from_file", "-"}, line.substr(0, line.find('\n'))).status, 0);
  EXPECT_EQ(*read_file(outputs() / "000001.42.png"), *read_file(outputs() / "000002.42.png"));
}

TEST_F(Program, MistakesOfTheTable) {
  std::ifstream table(std::string(INVOKEAI_TEST_DATA) + "/cli/tables/mistakes.txt");
  const Words before = files_in(folder_ / "root");
  std::string line;
  int cases = 0;
  while (std::getline(table, line)) {
    if (line.empty() || line.starts_with('#')) continue;
    ++cases;
    const auto arrow = line.find(" ==> ");
    const std::string input =
        std::regex_replace(line.substr(0, arrow), std::regex("@"), folder_.string());
    const int status = std::atoi(line.c_str() + arrow + 5);
    const std::string part = line.substr(line.find(" | ") + 3);
    const Finished result = run(*shell_words(input));
    EXPECT_EQ(result.status, status) << line << "\n" << result.error;
    EXPECT_EQ(count("\n" + result.error, "\nerror: "), 1u) << line << "\n" << result.error;
    EXPECT_NE(result.error.find(part), std::string::npos) << line << "\n" << result.error;
    EXPECT_TRUE(result.error.ends_with('\n') && result.out.empty()) << line;
    EXPECT_EQ(result.error.find("loading "), std::string::npos) << line << ": found before loading";
  }
  EXPECT_GT(cases, 30);
  EXPECT_EQ(files_in(folder_ / "root"), before) << "nothing is left behind";
}

TEST_F(Program, BrokenUtf8AndLongPrompts) {
  const Finished broken = run({"caf\xe9"});
  EXPECT_EQ(broken.status, 2);
  EXPECT_NE(broken.error.find("error: prompt: the text is not UTF-8: byte 3"), std::string::npos)
      << broken.error;
  std::string prompt = "word";
  for (int i = 1; i < 10000; ++i) prompt += " word";
  EXPECT_EQ(run({prompt, "-s2"}).status, 0);
  EXPECT_EQ(run({"Dalí 猫", "-s2"}).status, 0);
}

TEST_F(Program, MissingEngineAndModel) {
  variables_[0] = "INVOKEAI_ENGINE=/nowhere/engine.so";
  const Finished engine = run({"a cat"});
  EXPECT_EQ(engine.status, 1);
  EXPECT_NE(engine.error.find("error: [engine.load] the engine library /nowhere/engine.so"),
            std::string::npos);
  variables_[1] = "INVOKEAI_DEMO_MODEL=/nowhere/demo";
  EXPECT_EQ(run({"a cat"}).status, 1);
}

TEST_F(Program, BatchSkipsBadLines) {
  const Finished batch = run({"--from_file", "-", "-s3"},
                             "\xef\xbb\xbf# a comment\n\n// another\n  a cat -n2 -S7\r\nbad -s 0\n"
                             "!models\nx\xff\n!dream again -S -1 # note\nq\nnever\n");
  EXPECT_EQ(batch.status, 0);
  EXPECT_EQ(count(batch.out, "\n# ") + batch.out.starts_with("# "), 5u) << batch.out;
  EXPECT_EQ(count(batch.error, "error: "), 3u) << batch.error;
  EXPECT_NE(batch.error.find("2 commands done, 3 failed"), std::string::npos) << batch.error;
  EXPECT_NE(batch.error.find("reusing previous seed"), std::string::npos);
  EXPECT_EQ(files_in(outputs()).size(), 5u);
}

TEST_F(Program, BatchFromAFileAndInitFile) {
  std::ofstream(folder_ / "prompts.txt") << "one\ntwo -s 5 -o here";
  fs::create_directories(folder_ / "root");
  std::ofstream(folder_ / "root" / "invokeai.init") << "-s 4 --xformers --free_gpu_mem\n";
  const Finished batch = run({"--from_file", (folder_ / "prompts.txt").string()});
  EXPECT_EQ(batch.status, 0);
  EXPECT_NE(batch.out.find("one -s 4 "), std::string::npos);
  EXPECT_NE(batch.out.find("root/here/000001."), std::string::npos) << batch.out;
  EXPECT_EQ(count(batch.error, "--free_gpu_mem has no effect"), 1u);
  EXPECT_EQ(count(batch.error, "xformers"), 0u);
}

TEST_F(Program, LinesFromAPipeKeepGoingAfterErrors) {
  const Finished session = run({}, "-h\nbad -W 65\na cat -s2 -S5 -g -n4\n");
  EXPECT_EQ(session.status, 0);
  EXPECT_NE(session.out.find("usage: a prompt in plain words"), std::string::npos);
  EXPECT_NE(session.out.find("[1] "), std::string::npos);
  EXPECT_NE(session.error.find("the nearest are 64 and 72"), std::string::npos);
  EXPECT_NE(session.error.find("good-bye"), std::string::npos);
}

TEST_F(Program, PromptAsFolder) {
  const Finished drawn = run({"a/b: c?", "-s2", "-p", "-S1"});
  EXPECT_EQ(drawn.status, 0);
  EXPECT_TRUE(fs::exists(outputs() / "a_b_ c_" / "000001.1.png")) << drawn.out;
}

TEST_F(Program, CtrlCKeepsFinishedPictures) {
  variables_[0] = "INVOKEAI_ENGINE=fake-slow";
  const pid_t child = start({"a cat", "-n", "100", "-s", "20", "-S", "1"});
  ASSERT_TRUE(wait_for_file(outputs() / "000001.1.png"));
  ::kill(child, SIGINT);
  const Finished stopped = finish(child);
  EXPECT_EQ(stopped.status, 130);
  EXPECT_NE(stopped.error.find("interrupted"), std::string::npos);
  const Words files = files_in(outputs());
  EXPECT_LT(files.size(), 50u);
  EXPECT_EQ(count(stopped.out, "\n") + 2, files.size()) << "pictures and two logs";
  for (const auto& name : files) {
    if (!name.ends_with(".png")) continue;
    EXPECT_TRUE(image::decode_png(*read_file(outputs() / name)).has_value()) << name;
  }
}

TEST_F(Program, CtrlCEndsABatch) {
  variables_[0] = "INVOKEAI_ENGINE=fake-slow";
  const pid_t child = start({"--from_file", "-"}, "one -s2 -S1\ntwo -n100\nthree\n");
  ASSERT_TRUE(wait_for_file(outputs() / "000001.1.png"));
  for (int i = 0; i < 500 && count(*read_file(folder_ / "stdout"), "# two") == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ::kill(child, SIGINT);
  const Finished stopped = finish(child);
  EXPECT_EQ(stopped.status, 130);
  EXPECT_EQ(stopped.out.find("# three"), std::string::npos);
}

/// A small file system of its own, for tests that fill it.
class FullDisk : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    disk_ = folder_ / "disk";
    fs::create_directories(disk_);
    mounted_ =
        ::geteuid() == 0 && ::mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=256k,mode=700") == 0;
    if (!mounted_) GTEST_SKIP() << "needs the right to mount a file system";
  }
  void TearDown() override {
    if (mounted_) ::umount(disk_.c_str());
    Program::TearDown();
  }
  fs::path disk_;
  bool mounted_ = false;
};

TEST_F(FullDisk, IsReportedAndNothingHalfWrittenStays) {
  // Unpacked 256x256 pictures have 196,608 bytes: one fits.
  const Finished drawn =
      run({"a cat", "-s2", "-n3", "-W256", "-H256", "-z0", "-S1", "-o", disk_.string()});
  EXPECT_EQ(drawn.status, 1);
  EXPECT_NE(drawn.error.find("no space left"), std::string::npos) << drawn.error;
  EXPECT_EQ(files_in(disk_), (Words{"000001.1.png", "invoke_log.md", "invoke_log.txt"}));
  EXPECT_TRUE(image::decode_png(*read_file(disk_ / "000001.1.png")).has_value());
}

/// The program on a terminal of its own.
class Terminal : public Program {
 protected:
  void open(const Words& words) {
    child_ = ::forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (child_ == 0) become_program(words);
  }
  void TearDown() override {
    if (terminal_ >= 0) ::close(terminal_);
    Program::TearDown();
  }
  void type(std::string_view text) const {
    ASSERT_EQ(::write(terminal_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// Reads until `part` was shown after everything that was waited for before.
  bool shows(std::string_view part, std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (screen_.find(part, seen_) == screen_.npos) {
      pollfd waiting{terminal_, POLLIN, 0};
      if (std::chrono::steady_clock::now() > deadline) return false;
      if (::poll(&waiting, 1, 100) <= 0) continue;
      char buffer[4096];
      const ssize_t got = ::read(terminal_, buffer, sizeof buffer);
      if (got <= 0) return false;
      screen_.append(buffer, static_cast<std::size_t>(got));
    }
    seen_ = screen_.find(part, seen_) + part.size();
    return true;
  }

  int terminal_ = -1;
  pid_t child_ = -1;
  std::string screen_;
  std::size_t seen_ = 0;
};

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
  ASSERT_TRUE(shows("invoke> ")) << screen_;
  type("a cat -s 900\n");
  ASSERT_TRUE(shows("3/900")) << screen_;
  ::kill(child_, SIGINT);
  EXPECT_TRUE(shows("interrupted")) << screen_;
  ASSERT_TRUE(shows("invoke> ")) << screen_;
  type("again -s 2\n");
  EXPECT_TRUE(shows("again -s 2 -S")) << screen_;
  ASSERT_TRUE(shows("invoke> ")) << screen_;
  type("half a li\x03");
  shows("good-bye");  // or not: the terminal drops unread output on this key
  EXPECT_EQ(status_of(child_), 0);
}

TEST_F(Terminal, LeavingThePagerKeepsTheSession) {
  variables_.push_back("PAGER=head -n 1");
  open({});
  ASSERT_TRUE(shows("invoke> ")) << screen_;
  type("-h\n");
  EXPECT_TRUE(shows("usage: a prompt in plain words")) << screen_;
  ASSERT_TRUE(shows("invoke> ")) << screen_;
  type("q\n");
  EXPECT_TRUE(shows("good-bye")) << screen_;
  EXPECT_EQ(status_of(child_), 0);
}

TEST_F(Terminal, CtrlDEndsTheProgram) {
  open({});
  ASSERT_TRUE(shows("invoke> ")) << screen_;
  // libedit shows its prompt a moment before it takes the terminal over; a key
  // from that moment is lost.
  bool ended = false;
  for (int tries = 0; tries < 100 && !ended; ++tries) {
    type("\x04");
    ended = shows("good-bye", std::chrono::milliseconds(200));
  }
  EXPECT_TRUE(ended) << screen_;
  EXPECT_EQ(status_of(child_), 0);
}

}  // namespace
}  // namespace invokeai
