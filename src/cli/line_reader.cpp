#include "cli/line_reader.h"

#include <cstdio>
#include <cstdlib>
// libedit's header wants the C headers above.
#include <editline/readline.h>
#include <langinfo.h>
#include <sys/select.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstring>
#include <cwchar>

#include "cli/interrupt.h"

namespace invokeai::cli {
namespace {

// readline's interface is global; this is the guard of the call that is waiting.
const InterruptGuard* waiting_guard = nullptr;

/// Waits for input. False on Ctrl-C, also when it came just before: signals stay blocked between
/// looking at the flag and waiting.
bool wait_for_input() {
  sigset_t stop, before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &stop, &before);
  int ready = 0;
  while (ready <= 0 && !waiting_guard->interrupted()) {
    fd_set input;
    FD_ZERO(&input);
    FD_SET(STDIN_FILENO, &input);
    ready = ::pselect(STDIN_FILENO + 1, &input, nullptr, nullptr, nullptr, &before);
    if (ready < 0 && errno != EINTR) break;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return ready > 0;
}

/// One character for libedit. Its own reader starts over when a signal comes, so that Ctrl-C at the
/// prompt would go unnoticed.
int read_character(FILE*) {
  std::mbstate_t state{};
  while (wait_for_input()) {
    char byte = 0;
    if (::read(STDIN_FILENO, &byte, 1) != 1) return EOF;
    // What the terminal makes of a Ctrl-D from the moment before libedit took it over; libedit
    // would read it as "take the next key literally".
    if (byte == '\0') continue;
    wchar_t character = 0;
    const std::size_t length = std::mbrtowc(&character, &byte, 1, &state);
    if (length == static_cast<std::size_t>(-2)) continue;  // more bytes belong to it
    if (length == static_cast<std::size_t>(-1)) return L'?';
    return static_cast<int>(character);
  }
  return EOF;
}

}  // namespace

TerminalReader::TerminalReader() {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(::nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
  rl_getc_function = read_character;  // looked at by rl_initialize only
  rl_initialize();
}

std::optional<std::string> TerminalReader::next(const std::string& prompt) {
  const InterruptGuard guard{CancelToken()};
  waiting_guard = &guard;
  char* typed = ::readline(prompt.c_str());
  waiting_guard = nullptr;
  if (typed == nullptr) {
    std::fputc('\n', stdout);
    return std::nullopt;
  }
  std::string line = typed;
  std::free(typed);
  if (!line.empty()) ::add_history(line.c_str());
  return line;
}

std::optional<std::string> StreamReader::next(const std::string&) {
  std::string line;
  if (!std::getline(stream_, line)) return std::nullopt;
  if (first_ && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
  first_ = false;
  return line;
}

}  // namespace invokeai::cli
