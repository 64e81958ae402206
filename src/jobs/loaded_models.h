#pragma once
// The models a process holds: the one that draws, and others to go back to without loading.

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "jobs/worker_process.h"
#include "pipeline/engine.h"

namespace invokeai::jobs {

/// Keeps as many as EngineOptions::max_loaded_models says, least recently used leaving first, as
/// long as memory stays for drawing. With a limit of memory, and on a GPU, it is one: both are for
/// the model that draws.
class LoadedModels {
 public:
  /// What the system could still give this process, bytes; none: unknown, so no reason to let go.
  using FreeMemory = std::function<std::optional<std::int64_t>()>;

  explicit LoadedModels(LoadEngine load, FreeMemory free_memory = {});

  /// The engine of these options; loads it if it is not there. Valid until the next call.
  /// Errors: those of loading; what was there may have made room then.
  Result<pipeline::Engine*> get(const pipeline::EngineOptions& options);

 private:
  struct Model {
    std::string options;  ///< as JSON
    std::unique_ptr<pipeline::Engine> engine;
  };

  Result<> load(const pipeline::EngineOptions& options, const std::string& key);
  /// Lets go of all but `most`, and of more, but for `least`, while less than `wanted` bytes are
  /// free.
  void make_room(int least, int most, std::int64_t wanted);
  /// Of the weights of these models and those behind them.
  std::int64_t bytes_from(std::list<Model>::const_iterator first) const;

  LoadEngine load_;
  FreeMemory free_memory_;
  std::list<Model> models_;  ///< the one that draws first, then by their last use
};

}  // namespace invokeai::jobs
