#include "cli/line_reader.h"

#include <histedit.h>
#include <langinfo.h>
#include <sys/select.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstring>
#include <cwchar>

#include "base/utf8.h"
#include "cli/interrupt.h"

namespace invokeai::cli {
namespace {

constexpr int kEditorLines = 10000;  // that the arrow keys reach in one session
constexpr std::size_t kListWidth = 79;

/// Waits for input. False on Ctrl-C, also when it came just before: signals stay blocked between
/// looking at the flag and waiting.
bool wait_for_input(const InterruptGuard& guard) {
  sigset_t stop, before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &stop, &before);
  int ready = 0;
  while (ready <= 0 && !guard.interrupted()) {
    fd_set input;
    FD_ZERO(&input);
    FD_SET(STDIN_FILENO, &input);
    ready = ::pselect(STDIN_FILENO + 1, &input, nullptr, nullptr, nullptr, &before);
    if (ready < 0 && errno != EINTR) break;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return ready > 0;
}

/// One character from the terminal; nothing at its end and on Ctrl-C.
std::optional<wchar_t> read_character(const InterruptGuard& guard) {
  std::mbstate_t state{};
  while (wait_for_input(guard)) {
    char byte = 0;
    if (::read(STDIN_FILENO, &byte, 1) != 1) return std::nullopt;
    // What the terminal makes of a Ctrl-D from the moment before libedit took it over; libedit
    // would read it as "take the next key literally".
    if (byte == '\0') continue;
    wchar_t character = 0;
    const std::size_t length = std::mbrtowc(&character, &byte, 1, &state);
    if (length == static_cast<std::size_t>(-2)) continue;  // more bytes belong to it
    if (length == static_cast<std::size_t>(-1)) return L'?';
    return character;
  }
  return std::nullopt;
}

// What terminals send for keys that libedit does not bind itself.
constexpr const char* kKeys[][2] = {
    {"^R", "em-inc-search-prev"},      {"\\e[1~", "ed-move-to-beg"}, {"\\e[7~", "ed-move-to-beg"},
    {"\\e[H", "ed-move-to-beg"},       {"\\eOH", "ed-move-to-beg"},  {"\\e[4~", "ed-move-to-end"},
    {"\\e[8~", "ed-move-to-end"},      {"\\e[F", "ed-move-to-end"},  {"\\eOF", "ed-move-to-end"},
    {"\\e[3~", "ed-delete-next-char"}, {"\\e[1;5C", "em-next-word"}, {"\\e[1;5D", "ed-prev-word"},
    {"\\e\\e[C", "em-next-word"},      {"\\e\\e[D", "ed-prev-word"}, {"\\e[A", "ed-prev-history"},
    {"\\e[B", "ed-next-history"},      {"\\eOA", "ed-prev-history"}, {"\\eOB", "ed-next-history"},
    {"\\e[C", "ed-next-char"},         {"\\e[D", "ed-prev-char"},    {"\\eOC", "ed-next-char"},
    {"\\eOD", "ed-prev-char"},
};

}  // namespace

struct TerminalReader::Editor {
  Editor(const History& lines, Complete completer)
      : history(lines), complete(std::move(completer)) {
    el = ::el_init("invokeai", stdin, stdout, stderr);
    past = ::history_init();
    INVOKEAI_CHECK(el != nullptr && past != nullptr);
    ::HistEvent event;
    ::history(past, &event, H_SETSIZE, kEditorLines);
    ::history(past, &event, H_SETUNIQUE, 1);
    ::el_set(el, EL_CLIENTDATA, this);
    ::el_set(el, EL_PROMPT, prompt_text);
    ::el_set(el, EL_EDITOR, "emacs");
    ::el_set(el, EL_SIGNAL, 0);
    ::el_set(el, EL_HIST, ::history, past);
    ::el_set(el, EL_GETCFN, next_character);
    // The wide form keeps these texts as they are; the narrow one copies them and never frees them.
    ::el_wset(el, EL_ADDFN, L"complete", L"offers what may stand here", on_tab);
    ::el_set(el, EL_BIND, "^I", "complete", nullptr);
    for (const auto& [key, function] : kKeys) ::el_set(el, EL_BIND, key, function, nullptr);
    ::el_source(el, nullptr);
  }
  ~Editor() {
    ::history_end(past);
    ::el_end(el);
  }
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;

  static Editor& of(EditLine* el) {
    void* self = nullptr;
    ::el_get(el, EL_CLIENTDATA, &self);
    return *static_cast<Editor*>(self);
  }

  static char* prompt_text(EditLine* el) { return of(el).prompt.data(); }

  /// First what was put into the line, then what is typed. libedit's own reader starts over when a
  /// signal comes, so that Ctrl-C at the prompt would go unnoticed.
  static int next_character(EditLine* el, wchar_t* out) {
    Editor& self = of(el);
    if (self.pending_at < self.pending.size()) {
      *out = static_cast<wchar_t>(self.pending[self.pending_at++]);
      return 1;
    }
    const auto character = read_character(*self.guard);
    if (!character) return 0;
    *out = *character;
    return 1;
  }

  static unsigned char on_tab(EditLine* el, int) {
    Editor& self = of(el);
    const ::LineInfo* info = ::el_line(el);
    const std::string line(info->buffer, info->lastchar);
    const auto cursor = static_cast<std::size_t>(info->cursor - info->buffer);
    const Completion found = self.complete(line, cursor);
    if (found.candidates.empty()) return CC_REFRESH_BEEP;
    const std::string word = line.substr(found.begin, cursor - found.begin);
    ::el_deletestr(el, static_cast<int>(decode_utf8(word).size()));
    if (!found.text.empty() && ::el_insertstr(el, found.text.c_str()) != 0) return CC_ERROR;
    if (found.candidates.size() == 1) return CC_REFRESH;
    std::fputc('\n', stdout);
    for (const std::string& row : in_columns(found.candidates, kListWidth))
      std::fprintf(stdout, "%s\n", row.c_str());
    std::fflush(stdout);
    return CC_REDISPLAY;
  }

  /// Tells libedit about lines that came since.
  void catch_up() {
    ::HistEvent event;
    if (history.lines().size() < known) {
      ::history(past, &event, H_CLEAR);
      known = 0;
    }
    for (; known < history.lines().size(); ++known)
      ::history(past, &event, H_ENTER, history.lines()[known].c_str());
  }

  const History& history;
  Complete complete;
  EditLine* el = nullptr;
  ::History* past = nullptr;
  std::size_t known = 0;  // lines of `history` that libedit has
  std::string prompt;
  std::u32string pending;  // to be typed into the line
  std::size_t pending_at = 0;
  const InterruptGuard* guard = nullptr;
};

TerminalReader::TerminalReader(const History& history, Complete complete) {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(::nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
  editor_ = std::make_unique<Editor>(history, std::move(complete));
}

TerminalReader::~TerminalReader() = default;

std::optional<std::string> TerminalReader::next(const std::string& prompt) {
  const InterruptGuard guard{CancelToken()};
  editor_->guard = &guard;
  editor_->prompt = prompt;
  editor_->catch_up();
  ::el_resize(editor_->el);
  int length = 0;
  const char* typed = ::el_gets(editor_->el, &length);
  editor_->guard = nullptr;
  editor_->pending.clear();
  if (typed == nullptr || length <= 0) {
    std::fputc('\n', stdout);
    return std::nullopt;
  }
  std::string line(typed, static_cast<std::size_t>(length));
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  return line;
}

bool TerminalReader::prefill(std::string_view text) {
  editor_->pending = decode_utf8(text);
  editor_->pending_at = 0;
  for (char32_t& character : editor_->pending)  // keys would be obeyed
    if (character < 0x20 || (character >= 0x7f && character < 0xa0)) character = U' ';
  return true;
}

std::optional<std::string> StreamReader::next(const std::string&) {
  std::string line;
  if (!std::getline(stream_, line)) return std::nullopt;
  if (first_ && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
  first_ = false;
  return line;
}

}  // namespace invokeai::cli
