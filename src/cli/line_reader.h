#pragma once
// Where command lines come from: a person with line editing, or a file.

#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/completion.h"
#include "cli/history.h"

namespace invokeai::cli {

class LineReader {
 public:
  virtual ~LineReader() = default;
  /// The next line without its end; nothing at the end of input, or on Ctrl-C while waiting.
  virtual std::optional<std::string> next(const std::string& prompt) = 0;
  /// Puts a text into the next line, to be edited. False: there is nobody to edit it.
  virtual bool prefill(std::string_view text) = 0;
};

/// Emacs keys, the history with the arrow keys and Ctrl-R, completion with TAB; lines are UTF-8.
/// Keys can be rebound in ~/.editrc.
class TerminalReader final : public LineReader {
 public:
  using Complete = std::function<Completion(std::string_view line, std::size_t cursor)>;

  /// `history` is looked at before each line and must outlive the reader.
  TerminalReader(const History& history, Complete complete);
  ~TerminalReader() override;
  std::optional<std::string> next(const std::string& prompt) override;
  bool prefill(std::string_view text) override;

 private:
  struct Editor;
  std::unique_ptr<Editor> editor_;
};

/// Lines of a stream; no prompt is shown, a byte order mark at the start is skipped.
class StreamReader final : public LineReader {
 public:
  explicit StreamReader(std::istream& stream) : stream_(stream) {}
  std::optional<std::string> next(const std::string& prompt) override;
  bool prefill(std::string_view) override { return false; }

 private:
  std::istream& stream_;
  bool first_ = true;
};

}  // namespace invokeai::cli
