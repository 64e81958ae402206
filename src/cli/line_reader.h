#pragma once
// Where command lines come from: a person with line editing, or a file.

#include <istream>
#include <optional>
#include <string>

namespace invokeai::cli {

class LineReader {
 public:
  virtual ~LineReader() = default;
  /// The next line without its end; nothing at the end of input, or on Ctrl-C while waiting.
  virtual std::optional<std::string> next(const std::string& prompt) = 0;
};

/// Emacs keys and a history with the arrow keys; lines are UTF-8.
class TerminalReader final : public LineReader {
 public:
  TerminalReader();
  std::optional<std::string> next(const std::string& prompt) override;
};

/// Lines of a stream; no prompt is shown, a byte order mark at the start is skipped.
class StreamReader final : public LineReader {
 public:
  explicit StreamReader(std::istream& stream) : stream_(stream) {}
  std::optional<std::string> next(const std::string& prompt) override;

 private:
  std::istream& stream_;
  bool first_ = true;
};

}  // namespace invokeai::cli
