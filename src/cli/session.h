#pragma once
// Lines of a user, one after the other, on one loaded model.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/command_line.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/console.h"
#include "cli/history.h"
#include "cli/line_reader.h"
#include "jobs/worker.h"
#include "text/clip_tokenizer.h"

namespace invokeai::cli {

inline constexpr int kInterrupted = 130;  ///< exit status after Ctrl-C, as shells have it

class Session {
 public:
  /// `defaults` are the values of the launch; relative output folders lie below `root`. Pictures
  /// are numbered on from the lines of `history`, as in 2.3.0.
  Session(pipeline::Engine& engine, SettingValues defaults, fs::path root, Console& console,
          History history = {});

  /// Draws; failures are shown. Returns the exit status they would have: 0, 1, 2 or kInterrupted.
  int run_command(const PromptCommand& command);

  /// Any line: empty, comment, q, command. Nothing: the user wants to quit.
  std::optional<int> run_line(std::string_view line);

  /// Reads lines until the end or q; failures do not end it, and Ctrl-C ends only the picture.
  int run_interactive(LineReader& reader);

  /// The same for a file: commands are echoed, Ctrl-C ends it, failures are counted.
  int run_batch(LineReader& reader);

  const History& history() const { return history_; }

  /// What TAB may offer now.
  CompletionSources completion_sources() const;

 private:
  enum class BatchEnd { end_of_file, quit, interrupted };

  Result<jobs::Job> make_job(std::string prompt, SettingValues& values);
  Result<> recall_seed(SettingValues& values);
  Result<> recall_picture(SettingValues& values);
  std::string stored_prompt(SettingValues& values);
  void take_recommended(SettingValues& values);
  Result<> settle(jobs::Job& job, const SettingValues& values);
  int run_job(const jobs::Job& job, const SettingValues& values);
  Result<> show_tokens(const jobs::Job& job, const SettingValues& values);
  jobs::JobReport draw(const jobs::Job& job);
  int fail_with(const Error& error);
  int finish(const Result<>& result) { return result ? 0 : fail_with(result.error()); }

  BatchEnd run_lines(LineReader& reader);
  std::optional<int> run_bang(const CommandLine& line);
  std::optional<int> replay(std::string_view rest);
  Result<> show_history() const;
  Result<> search_history(std::string_view text);
  Result<> recall_line(std::string_view number);
  Result<> fetch(std::string_view rest);
  Result<> fetch_many(const fs::path& pattern, const fs::path& file);
  Result<jobs::Job> make_fix_job(std::string_view rest, SettingValues& values);
  int fix(std::string_view rest);
  Result<> mask(std::string_view rest);
  Result<fs::path> find_picture(std::string_view name) const;
  void offer_line(const std::string& line);

  pipeline::Engine& engine_;
  SettingValues defaults_;
  fs::path root_;
  Console& console_;
  History history_;
  LineReader* reader_ = nullptr;  ///< where the line being run came from
  bool in_batch_ = false;
  std::optional<text::ClipTokenizer> tokenizer_;  ///< loaded when tokens are first shown
  std::vector<std::uint32_t> last_seeds_;         ///< of the last command that drew something
  std::vector<std::uint32_t> all_seeds_;          ///< of the session
  std::vector<fs::path> all_pictures_;            ///< of the session, as stored
  std::size_t command_number_ = 0;                ///< of the last command that drew something
};

}  // namespace invokeai::cli
