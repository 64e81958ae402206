#pragma once
// The program `invokeai` from its arguments to its exit status.

#include <functional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/settings.h"
#include "pipeline/engine.h"

namespace invokeai::cli {

/// What `--web` was given.
struct WebLaunch {
  SettingValues values;
  fs::path root;                   ///< absolute
  pipeline::EngineOptions engine;  ///< model path empty: the one that was named does not exist
  std::vector<fs::path> bundled;   ///< models that came with the program
};

/// Serves until it is told to stop; returns the exit status.
using ServeWeb = std::function<int(const WebLaunch&)>;

/// Exit status: 0 done, 1 something failed, 2 a mistake on the command line, 130 Ctrl-C while
/// drawing, 255 an obsolete switch or an unreadable batch or init file.
int run(const std::vector<std::string>& arguments, const ServeWeb& serve);

}  // namespace invokeai::cli
