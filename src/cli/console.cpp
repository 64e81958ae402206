#include "cli/console.h"

#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace invokeai::cli {
namespace {

constexpr std::chrono::seconds kQuietTime{10};
constexpr int kBarWidth = 30;
constexpr int kCommandNotFound = 127;

class IgnoreSignals {
 public:
  ~IgnoreSignals() {
    std::signal(SIGINT, interrupt_);
    std::signal(SIGPIPE, pipe_);
  }

 private:
  void (*interrupt_)(int) = std::signal(SIGINT, SIG_IGN);
  void (*pipe_)(int) = std::signal(SIGPIPE, SIG_IGN);
};

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// True when the pager ran. Leaving it early or pressing Ctrl-C in it must not end this program.
bool show_in_pager(const std::string& text) {
  const char* chosen = std::getenv("PAGER");
  const std::string pager = chosen != nullptr && *chosen != '\0' ? chosen : "less 2>/dev/null";
  const IgnoreSignals ignore;
  FILE* pipe = ::popen(pager.c_str(), "w");
  if (pipe == nullptr) return false;
  std::fwrite(text.data(), 1, text.size(), pipe);
  const int status = ::pclose(pipe);
  return WIFEXITED(status) && WEXITSTATUS(status) != kCommandNotFound;
}

}  // namespace

std::string pace(int steps, double seconds) {
  if (steps <= 0 || seconds <= 0) return "";
  const double rate = steps / seconds;
  return rate >= 1 ? fmt::format("{:.2f} steps/s", rate) : fmt::format("{:.2f} s/step", 1 / rate);
}

std::string bar(int done, int total, int width) {
  const int filled = total > 0 ? std::clamp(done * width / total, 0, width) : 0;
  return fmt::format("[{}{}]", std::string(filled, '#'), std::string(width - filled, '.'));
}

std::string printable(std::string_view text) {
  std::string safe(text);
  for (char& c : safe)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) c = '?';
  return safe;
}

Console::Console()
    : out_is_terminal_(::isatty(STDOUT_FILENO) != 0),
      error_is_terminal_(::isatty(STDERR_FILENO) != 0) {}

void Console::say(std::string_view lead, std::string_view text) {
  clear_bar();
  std::fprintf(stderr, "%s%s\n", std::string(lead).c_str(), printable(text).c_str());
  std::fflush(stderr);
}

void Console::result(std::string_view line) {
  clear_bar();
  std::fprintf(stdout, "%s\n", printable(line).c_str());
  std::fflush(stdout);
}

void Console::output(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void Console::info(std::string_view text) { say(">> ", text); }

void Console::notice(const std::string& text) {
  if (noticed_.insert(text).second) say("* ", text);
}

void Console::error(const Error& error) { say("error: ", error.text()); }

void Console::block(const std::vector<std::string>& lines) {
  clear_bar();
  for (const std::string& line : lines)
    std::fprintf(stderr, "%s%s\n", line.starts_with('[') ? ">> " : "", line.c_str());
  std::fflush(stderr);
}

bool Console::likes_colours() const {
  const char* refused = std::getenv("NO_COLOR");
  return error_is_terminal_ && (refused == nullptr || *refused == '\0');
}

void Console::page(const std::string& text) {
  if (out_is_terminal_ && show_in_pager(text)) return;
  output(text);
}

void Console::start_progress() {
  picture_ = 0;
  picture_start_ = last_line_ = Clock::now();
}

void Console::progress(const pipeline::StepProgress& progress) {
  const auto now = Clock::now();
  if (progress.picture != picture_) {
    picture_ = progress.picture;
    picture_start_ = last_line_;  // the end of the picture before
  }
  const std::chrono::duration<double> spent = now - picture_start_;
  const std::string speed = pace(progress.step, spent.count());
  const bool last = progress.step == progress.steps;
  if (error_is_terminal_) {
    const std::string line = fmt::format(
        "{}/{} {} {}/{} {}", progress.picture + 1, progress.pictures,
        bar(progress.step, progress.steps, kBarWidth), progress.step, progress.steps, speed);
    const auto room = static_cast<std::size_t>(std::max(terminal_columns() - 1, 1));
    std::fprintf(stderr, "\r\x1b[K%s", line.substr(0, room).c_str());
    std::fflush(stderr);
    bar_shown_ = true;
    last_line_ = now;
  } else if (last || now - last_line_ >= kQuietTime) {
    std::fprintf(stderr, "picture %d/%d: step %d/%d, %s\n", progress.picture + 1, progress.pictures,
                 progress.step, progress.steps, speed.c_str());
    std::fflush(stderr);
    last_line_ = now;
  }
}

void Console::end_progress() { clear_bar(); }

void Console::clear_bar() {
  if (bar_shown_) std::fputs("\r\x1b[K", stderr);
  bar_shown_ = false;
}

}  // namespace invokeai::cli
