#pragma once
// Keeps a training's state in one file, and the finished networks in the model folder.

#include <functional>

#include "demo_model/trainer.h"
#include "nn/optimizer.h"

namespace invokeai::demo {

/// Pictures seen so far; 0 when there is no checkpoint. Errors: bad_file if it is not ours.
Result<std::int64_t> restore_checkpoint(const fs::path& file, nn::Optimizer& optimizer,
                                        const std::string& prefix = "");
Result<> save_checkpoint(const fs::path& file, const std::map<std::string, at::Tensor>& state,
                         std::int64_t pictures);

/// Weights that several models can have in common.
struct CommonWeights {
  std::function<bool(const std::string& name)> are = {};  ///< none where it is not given
  /// A folder that has them: its files are linked to instead of written. Else they are written.
  std::optional<fs::path> from = {};
};

/// Whether a network can be saved with links to common.from. Errors: bad_file if a shard there
/// holds other weights besides.
Result<> check_common(const std::string& stem, const CommonWeights& common);

/// Weights in f16 with config.json beside, as diffusers folders have them: STEM.safetensors, or
/// shards with STEM.safetensors.index.json when it would be larger than 15 MiB. Common weights have
/// shards of their own, the first ones; those of `common.from` need not be among `weights`. Files
/// of another division into shards are removed. Errors: see check_common.
Result<> save_network(const fs::path& folder, const std::string& stem,
                      const std::map<std::string, at::Tensor>& weights, const std::string& config,
                      const CommonWeights& common = {});

/// Prefixes every name.
std::map<std::string, at::Tensor> prefixed(const std::string& prefix,
                                           const std::map<std::string, at::Tensor>& tensors);

/// One line to stdout and to training/log.txt.
void log_line(const TrainOptions& options, const std::string& line);

}  // namespace invokeai::demo
