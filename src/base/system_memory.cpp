#include "base/system_memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

namespace invokeai {
namespace {

/// The number behind a word of /proc/meminfo or memory.stat; `unit` bytes each.
std::optional<std::int64_t> number_behind(const std::filesystem::path& file, std::string_view word,
                                          std::int64_t unit) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    std::int64_t number = 0;
    if (words >> name >> number && name == word) return number * unit;
  }
  return std::nullopt;
}

/// The one number in a file; nothing for "max".
std::optional<std::int64_t> number_in(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::int64_t number = 0;
  if (stream >> number) return number;
  return std::nullopt;
}

/// What is left of the limit of a control group (version 2). Pages of files that nobody uses can be
/// given back, so they are not counted as taken.
std::optional<std::int64_t> left_in_group(const std::filesystem::path& group) {
  const auto limit = number_in(group / "memory.max"), taken = number_in(group / "memory.current");
  if (!limit || !taken) return std::nullopt;
  const std::int64_t unused = number_behind(group / "memory.stat", "inactive_file", 1).value_or(0);
  return std::max<std::int64_t>(0, *limit - *taken + unused);
}

/// Path of this process's group below /sys/fs/cgroup.
std::string own_group(const std::filesystem::path& root) {
  std::ifstream lines(root / "proc/self/cgroup");
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("0::/")) return line.substr(4);
  return {};
}

}  // namespace

std::int64_t resident_memory() {
  std::ifstream stream("/proc/self/statm");
  std::int64_t all = 0, resident = 0;
  return stream >> all >> resident ? resident * ::sysconf(_SC_PAGESIZE) : 0;
}

std::optional<std::int64_t> free_memory(const std::filesystem::path& root) {
  std::optional<std::int64_t> least =
      number_behind(root / "proc/meminfo", "MemAvailable:", 1024);
  if (!least) return std::nullopt;
  const std::filesystem::path groups = root / "sys/fs/cgroup";
  std::filesystem::path group = groups / own_group(root);
  while (true) {  // every group above sets limits too
    if (const auto left = left_in_group(group)) least = std::min(*least, *left);
    if (group == groups || !group.has_parent_path() || group == group.parent_path()) break;
    group = group.parent_path();
  }
  return least;
}

}  // namespace invokeai
