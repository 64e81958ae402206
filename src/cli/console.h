#pragma once
// What the user sees: results on standard output, everything else on standard error.

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/engine.h"

namespace invokeai::cli {

class Console {
 public:
  Console();

  void result(std::string_view line);    ///< standard output
  void output(std::string_view text);    ///< standard output, as it stands
  void info(std::string_view text);      ///< ">> text"
  void notice(const std::string& text);  ///< "* text", each text once a session
  void error(const Error& error);        ///< "error: text"
  /// A block of lines for standard error that may hold colours and must be safe otherwise; those
  /// that begin with '[' are led by ">> ".
  void block(const std::vector<std::string>& lines);
  /// Colours are welcome on standard error: it is a terminal and $NO_COLOR is not set.
  bool likes_colours() const;
  /// A long text, through the user's pager when standard output is a terminal.
  void page(const std::string& text);

  /// A command begins: the clock for steps per second starts.
  void start_progress();
  /// On a terminal one line, redrawn in place; else a line every ten seconds and one a picture.
  void progress(const pipeline::StepProgress& progress);
  void end_progress();

 private:
  using Clock = std::chrono::steady_clock;

  void clear_bar();
  void say(std::string_view lead, std::string_view text);

  bool out_is_terminal_;
  bool error_is_terminal_;
  bool bar_shown_ = false;
  int picture_ = 0;
  Clock::time_point picture_start_;
  Clock::time_point last_line_;
  std::set<std::string> noticed_;
};

/// "3.21 steps/s", or "2.50 s/step" when slower than one step a second.
std::string pace(int steps, double seconds);

/// "[#####.....]", `width` characters between the brackets.
std::string bar(int done, int total, int width);

/// Text for a terminal: control characters, which could command it, become '?'.
std::string printable(std::string_view text);

}  // namespace invokeai::cli
