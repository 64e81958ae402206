#pragma once
// The command line, the init file and the root folder (cli spec 1.1-1.4).

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/settings.h"
#include "pipeline/engine.h"

namespace invokeai::cli {

/// An environment variable's value, empty when it is not set.
using Environment = std::function<std::string(const char* name)>;

/// The environment of this process.
std::string process_environment(const char* name);

struct Launch {
  SettingValues values;               ///< init file, and the command line on top of it
  std::optional<std::string> prompt;  ///< draw this and exit
  fs::path root;                      ///< absolute
  bool root_ready = false;            ///< the root folder has an init file or a list of models
  std::vector<std::string> notices;   ///< one line each, for the user
};

/// Reads everything that is known at launch. With --help or --version on the command line nothing
/// else is looked at. Errors: invalid_argument, unsupported, not_found and io (an @file), bad_file
/// (an init file that cannot be split into words).
Result<Launch> read_launch(std::span<const std::string> arguments, const Environment& environment);

/// What is asked of the engine, without the model. Errors: invalid_argument (contradictions).
Result<pipeline::EngineOptions> engine_options(const SettingValues& values);

struct ModelChoice {
  fs::path path;
  std::string remark;  ///< why this one, when the user did not say; else empty
};

/// The models that came with the program: the demo model and, beside it, those whose names begin
/// with "demo-"; sorted. None where there is no demo model.
std::vector<fs::path> bundled_models(const Environment& environment,
                                     const fs::path& program_folder);

/// --model as a path, as a name below models/ of the root folder or as that of a bundled model;
/// without it the demo model.
/// Errors: not_found.
Result<ModelChoice> choose_model(const Launch& launch, const Environment& environment,
                                 const fs::path& program_folder);

}  // namespace invokeai::cli
