#include "cli/history.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "base/command_line.h"
#include "base/utf8.h"

namespace invokeai::cli {
namespace {

constexpr std::string_view kFileName = ".invoke_history";
constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const auto line = strip_blanks(text.substr(0, end)); !line.empty())
      lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

Result<> cannot_keep(const fs::path& file, int error) {
  return fail(error == ENOSPC ? ErrorCode::disk_full : ErrorCode::io, "",
              "the history is not kept: cannot write {}: {}", shown(file.string()),
              std::generic_category().message(error));
}

/// Text without what would break the file or command a terminal.
bool is_history(std::string_view text) {
  return check_utf8(text).has_value() && text.find('\0') == text.npos;
}

}  // namespace

History History::open(const fs::path& folder, std::vector<std::string>& notices) {
  History history;
  history.file_ = folder / kFileName;
  std::error_code ignored;
  if (!fs::exists(history.file_, ignored)) return history;
  const auto text = read_file(history.file_, kMaxBytes);
  if (!text || !is_history(*text)) {
    const fs::path old = history.file_.string() + ".old";
    std::error_code error;
    fs::rename(history.file_, old, error);
    notices.push_back(fmt::format(
        "the history {} is unreadable ({}){}", shown(history.file_.string()),
        text ? "not UTF-8 text" : text.error().message,
        error ? "" : fmt::format("; it was renamed to {}", shown(old.filename().string()))));
    if (error) history.file_.clear();
    return history;
  }
  history.lines_ = split_lines(*text);
  if (history.lines_.size() > kMaxLines) {
    history.lines_.erase(history.lines_.begin(), history.lines_.end() - kMaxLines);
    if (auto ok = write_file_atomically(history.file_, joined(history.lines_)); !ok)
      notices.push_back(ok.error().text());
  }
  return history;
}

Result<> History::add(std::string_view line) {
  if (!lines_.empty() && lines_.back() == line) return {};
  lines_.emplace_back(line);
  if (file_.empty()) return {};
  const std::string text = std::string(line) + "\n";
  const int fd = ::open(file_.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return cannot_keep(file_, errno);
  // One write per line: O_APPEND then keeps the lines of two sessions apart.
  const ssize_t written = ::write(fd, text.data(), text.size());
  const int error = written < 0 ? errno : ENOSPC;
  ::close(fd);
  if (written != static_cast<ssize_t>(text.size())) return cannot_keep(file_, error);
  return {};
}

Result<> History::clear() {
  lines_.clear();
  std::error_code ignored;
  if (file_.empty() || !fs::exists(file_, ignored)) return {};
  return write_file_atomically(file_, "");
}

std::optional<std::string> History::at(std::string_view number) const {
  std::size_t index = 0;
  const char* end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, index);
  if (error != std::errc() || stop != end || index < 1 || index > lines_.size())
    return std::nullopt;
  return lines_[index - 1];
}

std::vector<std::string> History::search(std::string_view part) const {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < lines_.size(); ++i)
    if (lines_[i].find(part) != std::string::npos)
      found.push_back(fmt::format("[{}] {}", i + 1, lines_[i]));
  return found;
}

}  // namespace invokeai::cli
