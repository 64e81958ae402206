#pragma once
// `invokeai --web`: the server as a program, from its settings to its end.

#include <string>
#include <vector>

#include "base/file.h"
#include "base/settings.h"
#include "pipeline/engine.h"

namespace invokeai::server {

struct ServeOptions {
  SettingValues values;           ///< as given at launch
  fs::path root;                  ///< root folder
  pipeline::EngineOptions engine;  ///< without a model path nothing is loaded until one is chosen
  std::vector<fs::path> bundled;   ///< models that came with the program
  fs::path program;               ///< the running program, which is its own worker
};

/// The hidden first argument that makes the program a worker.
inline constexpr const char* kWorkerArgument = "--worker";

/// Serves until SIGINT or SIGTERM. SIGTERM lets the picture that is being drawn finish for a while;
/// SIGINT, or a second signal, does not; the job goes on at the next start either way. Returns the
/// exit status.
int serve(const ServeOptions& options);

/// Where the page lies that `npm run build` makes: $INVOKEAI_WEB_PAGE, share/invokeai/web beside
/// the program's folder, or web/dist of the sources; empty when nowhere.
fs::path page_folder(const fs::path& program_folder);

}  // namespace invokeai::server
