#pragma once
// The program itself on the fake engine, in a folder of its own, for tests.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace invokeai::cli::test {

using Words = std::vector<std::string>;
inline constexpr const char* kProgram = INVOKEAI_BINARY_ROOT "/bin/invokeai";

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
                  "PAGER=cat",
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

/// The program on a terminal of its own.
class Terminal : public Program {
 protected:
  void SetUp() override {
    // A bare system tree without /dev/pts has no terminals to give.
    const int probe = ::posix_openpt(O_RDWR | O_NOCTTY);
    if (probe < 0 && (errno == ENODEV || errno == ENOENT))
      GTEST_SKIP() << "no pseudo-terminals here: " << std::strerror(errno);
    ASSERT_GE(probe, 0) << std::strerror(errno);
    ::close(probe);
    Program::SetUp();
  }
  /// A wide terminal, so that no line of the tests is broken.
  void open(const Words& words) {
    if (terminal_ >= 0) ::close(terminal_);
    winsize size{};
    size.ws_row = 50;
    size.ws_col = 400;
    child_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
    if (child_ == 0) become_program(words);
    ASSERT_GT(child_, 0) << std::strerror(errno);
  }
  /// Waits for the prompt and leaves.
  void quit() {
    ASSERT_TRUE(shows("invoke> ")) << screen_;
    type("q\n");
    EXPECT_TRUE(shows("good-bye")) << screen_;
    EXPECT_EQ(status_of(child_), 0);
  }
  void TearDown() override {
    if (terminal_ >= 0) ::close(terminal_);
    Program::TearDown();
  }
  void type(std::string_view text) const {
    ASSERT_EQ(::write(terminal_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  /// Whether the prompt was shown and its line editor listens: until then the terminal itself acts
  /// on control keys (its Ctrl-R shows the line again), and the editor never sees them.
  bool asks() {
    if (!shows("invoke> ")) return false;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    termios mode{};
    while (::tcgetattr(terminal_, &mode) == 0 && (mode.c_lflag & ICANON) != 0) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }
  /// Reads until `part` was shown after everything that was waited for before.
  bool shows(std::string_view part, std::chrono::milliseconds patience = std::chrono::seconds(60)) {
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

}  // namespace invokeai::cli::test
