#pragma once
// The commands of a user, kept between sessions (cli spec 3.12).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace invokeai::cli {

/// Lines, numbered from 1. Each is added to the file at once, so that nothing is lost with the
/// program and two sessions in one folder do not overwrite each other; 2.3.0 writes the file at its
/// end only. The file has one command a line, UTF-8, as readline and 2.3.0 write it.
class History {
 public:
  static constexpr std::size_t kMaxLines = 1000;  ///< kept when a session starts

  /// A history without a file.
  History() = default;

  /// Reads the history file of an output folder. One that cannot be read as text is renamed to
  /// `….old` with a notice.
  static History open(const fs::path& folder, std::vector<std::string>& notices);

  /// Appends a line; one equal to the last is not repeated. Errors (the line is remembered all the
  /// same): io, disk_full.
  Result<> add(std::string_view line);

  /// Empties memory and file. Errors: io.
  Result<> clear();

  const std::vector<std::string>& lines() const { return lines_; }

  /// Line `number`, counted from 1; none when there is no such line.
  std::optional<std::string> at(std::string_view number) const;

  /// "[n] line" for every line that holds `part`.
  std::vector<std::string> search(std::string_view part) const;

 private:
  fs::path file_;  // empty: kept in memory only
  std::vector<std::string> lines_;
};

}  // namespace invokeai::cli
