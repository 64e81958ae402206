#include "base/process.h"

#include <unistd.h>

#include <cstdio>
#include <utility>
#include <vector>

#include "base/file.h"

namespace invokeai {
namespace {

std::string first_line(const fs::path& path) {
  // Files of /proc have no size, so read_file() would see nothing.
  std::string line;
  if (std::FILE* file = std::fopen(path.c_str(), "re")) {
    char buffer[1024];
    if (std::fgets(buffer, sizeof buffer, file) != nullptr) line = buffer;
    std::fclose(file);
  }
  while (!line.empty() && line.back() == '\n') line.pop_back();
  return line;
}

/// Which process table this process lives in: start of the machine and PID namespace.
std::string process_table() {
  std::error_code error;
  const fs::path space = fs::read_symlink("/proc/self/ns/pid", error);
  const std::string boot = first_line("/proc/sys/kernel/random/boot_id");
  if (error || boot.empty()) return {};
  return boot + "/" + space.string();
}

/// Start time in ticks since the machine started; empty for a process that is gone or a zombie.
std::string start_time(const std::string& pid) {
  const std::string stat = first_line(fs::path("/proc") / pid / "stat");
  // The name in parentheses may hold anything; what counts comes behind the last one.
  const auto close = stat.rfind(')');
  if (close == stat.npos) return {};
  std::vector<std::string> fields;
  std::string field;
  for (const char c : stat.substr(close + 1) + " ") {
    if (c != ' ') {
      field += c;
    } else if (!field.empty()) {
      fields.push_back(std::exchange(field, {}));
    }
  }
  constexpr std::size_t kState = 0, kStart = 19;  // fields 3 and 22 of proc(5)
  if (fields.size() <= kStart || fields[kState] == "Z" || fields[kState] == "X") return {};
  return fields[kStart];
}

/// A process table in eight letters; empty when unknown.
std::string table_mark() {
  const std::string table = process_table();
  if (table.empty()) return {};
  return sha256_hex({reinterpret_cast<const std::uint8_t*>(table.data()), table.size()})
      .substr(0, 8);
}

/// `text` is table, number and start time of a process with `separator` between them.
bool may_run(std::string_view text, char separator, const std::string& own_table) {
  const auto first = text.find(separator);
  const auto second = text.find(separator, first == text.npos ? first : first + 1);
  if (second == text.npos || own_table.empty() || text.substr(0, first) != own_table) return true;
  return start_time(std::string(text.substr(first + 1, second - first - 1))) ==
         text.substr(second + 1);
}

}  // namespace

std::string process_identity(int pid) {
  const std::string number = std::to_string(pid == 0 ? ::getpid() : pid);
  const std::string table = process_table(), start = start_time(number);
  if (table.empty() || start.empty()) return {};
  return fmt::format("{} {} {}", table, number, start);
}

bool may_be_running(std::string_view identity) { return may_run(identity, ' ', process_table()); }

std::string process_mark() {
  const std::string number = std::to_string(::getpid());
  return fmt::format("{}-{}-{}", table_mark(), number, start_time(number));
}

bool mark_may_be_running(std::string_view mark) { return may_run(mark, '-', table_mark()); }

}  // namespace invokeai
