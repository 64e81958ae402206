#pragma once
// What TAB offers (cli spec 3.12): switches, their values, `!` commands, files, models, triggers.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace invokeai::cli {

struct FolderEntry {
  std::string name;
  bool is_folder = false;
};

/// Everything a completion may look up; nothing else is looked at.
struct CompletionSources {
  /// What lies in a folder; nothing when it cannot be read. Relative paths mean the current folder.
  std::function<std::vector<FolderEntry>(const fs::path&)> list_folder;
  fs::path root;           ///< where relative output folders and models begin
  fs::path output_folder;  ///< pictures in it are found by their bare name
  std::string home;        ///< stands for ~; empty: ~ is not known
  std::vector<std::string> models;
  std::vector<std::string> checkpoints;  ///< those of the models that are single files
  std::vector<std::string> seeds;        ///< of this session
  std::vector<std::string> triggers;     ///< with their brackets: "<my-style>"
};

struct Completion {
  std::size_t begin = 0;  ///< first byte of the line that `text` replaces, up to the cursor
  std::string text;       ///< what all candidates begin with; a blank behind the only one
  std::vector<std::string> candidates;  ///< sorted; file names without their folder
};

/// Completes the word before the cursor (a byte of the line, clamped). Words end at blanks; one
/// behind a backslash belongs to the word, and file names with blanks are offered that way.
/// Switches that this version refuses are not offered. Without candidates `text` is the word as it
/// was.
Completion complete(std::string_view line, std::size_t cursor, const CompletionSources& sources);

/// The real folder, for CompletionSources.
std::vector<FolderEntry> list_folder(const fs::path& folder);

/// Candidates in columns as a terminal of this width shows them, one line each entry; at most
/// `limit` of them, then "... and N more".
std::vector<std::string> in_columns(const std::vector<std::string>& candidates, std::size_t width,
                                    std::size_t limit = 200);

}  // namespace invokeai::cli
