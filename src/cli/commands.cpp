#include "cli/commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/command_line.h"

namespace invokeai::cli {
namespace {

struct Entry {
  std::string_view prefix;  ///< enough to be recognised by
  Command command;
  std::string_view name;
  std::string_view arguments;
  std::string_view help;
};

// In the order in which 2.3.0 looks for them.
constexpr Entry kCommands[] = {
    {"!dream", Command::dream, "!dream", "PROMPT ...", "the same without !dream"},
    {"!fix", Command::fix, "!fix", "FILE SWITCHES", "work on a finished picture: --embiggen, -c, -D"},
    {"!mask", Command::mask, "!mask", "FILE -tm TEXT", "make a mask from words"},
    {"!switch", Command::models, "!switch", "MODEL", "draw with another model"},
    {"!models", Command::models, "!models", "", "list the models"},
    {"!import", Command::models, "!import_model", "PATH", "add a model to the list"},
    {"!convert", Command::models, "!convert_model", "PATH", "turn a checkpoint into a folder"},
    {"!optimize", Command::models, "!optimize_model", "MODEL", "the same for a listed model"},
    {"!edit", Command::models, "!edit_model", "MODEL", "change an entry of the list"},
    {"!del", Command::models, "!del_model", "MODEL", "remove a model from the list"},
    {"!fetch", Command::fetch, "!fetch", "FILE",
     "put the command that made a picture into the line"},
    {"!replay", Command::replay, "!replay", "FILE", "run the commands in a file"},
    {"!history", Command::history, "!history", "", "list earlier commands"},
    {"!search", Command::search, "!search", "TEXT", "list the earlier commands that hold a text"},
    {"!clear", Command::clear, "!clear", "", "forget all earlier commands"},
};

}  // namespace

CommandLine read_command(std::string_view line) {
  CommandLine read;
  read.name = line.substr(0, std::min(line.find_first_of(" \t"), line.size()));
  read.rest = strip_blanks(line.substr(read.name.size()));
  const std::string_view number = read.name.substr(1);
  if (!number.empty() && number.find_first_not_of("0123456789") == number.npos)
    read.command = Command::recall;
  for (const Entry& entry : kCommands)
    if (read.name.starts_with(entry.prefix)) {
      read.command = entry.command;
      break;
    }
  return read;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kCommands) names.emplace_back(entry.name);
  return names;
}

std::string command_help() {
  std::string text = "\nCommands\n";
  const auto add = [&](std::string_view usage, std::string_view help) {
    text += fmt::format("  {:<28} {}\n", usage, help);
  };
  for (const Entry& entry : kCommands) {
    add(fmt::format("{} {}", entry.name, entry.arguments), entry.help);
    if (entry.command == Command::fetch)
      add("!fetch PATTERN OUTFILE", "write those of many pictures to a file, for !replay");
  }
  add("!N", "put line N of !history into the line");
  return text;
}

}  // namespace invokeai::cli
