#pragma once
// Keeps a training's state in one file, and the finished networks in the model folder.

#include "demo_model/trainer.h"
#include "nn/optimizer.h"

namespace invokeai::demo {

/// Pictures seen so far; 0 when there is no checkpoint. Errors: bad_file if it is not ours.
Result<std::int64_t> restore_checkpoint(const fs::path& file, nn::AdamW& optimizer,
                                        const std::string& prefix = "");
Result<> save_checkpoint(const fs::path& file, const std::map<std::string, at::Tensor>& state,
                         std::int64_t pictures);

/// Weights in f16 with config.json beside, as diffusers folders have them: STEM.safetensors, or
/// shards with STEM.safetensors.index.json when it would be larger than 15 MiB.
Result<> save_network(const fs::path& folder, const std::string& stem,
                      const std::map<std::string, at::Tensor>& weights, const std::string& config);

/// Prefixes every name.
std::map<std::string, at::Tensor> prefixed(const std::string& prefix,
                                           const std::map<std::string, at::Tensor>& tensors);

/// One line to stdout and to training/log.txt.
void log_line(const TrainOptions& options, const std::string& line);

}  // namespace invokeai::demo
