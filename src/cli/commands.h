#pragma once
// The commands that begin with "!" (cli spec 3): their names and what they are for.

#include <string>
#include <string_view>
#include <vector>

namespace invokeai::cli {

enum class Command {
  dream,    ///< an ordinary line, as old files have it
  fix,      ///< work on a finished picture
  mask,     ///< a mask from words
  models,   ///< any command that needs the list of models
  fetch,    ///< the command that made a picture
  replay,   ///< commands from a file
  history,  ///< list
  search,   ///< list a part
  clear,    ///< forget the history
  recall,   ///< `!12`: one line of the history
  unknown,
};

struct CommandLine {
  Command command = Command::unknown;
  std::string_view name;  ///< as typed, with the "!"
  std::string_view rest;  ///< what follows, without outer blanks
};

/// Recognises a line that begins with "!" by the start of its name, as 2.3.0 does: "!import_model"
/// and "!import" are the same.
CommandLine read_command(std::string_view line);

/// Full names, for completion and messages.
std::vector<std::string> command_names();

/// The part of the help page on these commands.
std::string command_help();

}  // namespace invokeai::cli
