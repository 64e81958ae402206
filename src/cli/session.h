#pragma once
// Lines of a user, one after the other, on one loaded model.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/command_line.h"
#include "cli/console.h"
#include "cli/line_reader.h"
#include "jobs/worker.h"

namespace invokeai::cli {

inline constexpr int kInterrupted = 130;  ///< exit status after Ctrl-C, as shells have it

class Session {
 public:
  /// `defaults` are the values of the launch; relative output folders lie below `root`.
  Session(pipeline::Engine& engine, SettingValues defaults, fs::path root, Console& console)
      : engine_(engine),
        defaults_(std::move(defaults)),
        root_(std::move(root)),
        console_(console) {}

  /// Draws; failures are shown. Returns the exit status they would have: 0, 1, 2 or kInterrupted.
  int run_command(const PromptCommand& command);

  /// Any line: empty, comment, q, command. Nothing: the user wants to quit.
  std::optional<int> run_line(std::string_view line);

  /// Reads lines until the end or q; failures do not end it, and Ctrl-C ends only the picture.
  int run_interactive(LineReader& reader);

  /// The same for a file: commands are echoed, Ctrl-C ends it, failures are counted.
  int run_batch(LineReader& reader);

 private:
  Result<jobs::Job> make_job(const PromptCommand& command);
  Result<> recall_seed(SettingValues& values);
  jobs::JobReport draw(const jobs::Job& job);
  int fail_with(const Error& error);

  pipeline::Engine& engine_;
  SettingValues defaults_;
  fs::path root_;
  Console& console_;
  std::vector<std::uint32_t> last_seeds_;  ///< of the last command that drew something
  int command_number_ = 0;                 ///< of commands that drew something
};

}  // namespace invokeai::cli
