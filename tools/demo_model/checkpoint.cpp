#include "demo_model/checkpoint.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "models/formats/safetensors.h"
#include "models/tensors.h"

namespace invokeai::demo {

Result<std::int64_t> restore_checkpoint(const fs::path& file, nn::AdamW& optimizer,
                                        const std::string& prefix) {
  if (!fs::exists(file)) return std::int64_t{0};
  TRY_ASSIGN(const models::TensorSource source, models::open_tensor_file(file));
  std::map<std::string, at::Tensor> state;
  for (const auto& [name, view] : source.tensors)
    if (name.starts_with(prefix)) state[name.substr(prefix.size())] = models::as_tensor(view);
  const auto pictures = source.metadata.find("pictures");
  if (pictures == source.metadata.end() || !optimizer.restore(state))
    return fail(ErrorCode::bad_file, "demo.resume",
                "{} does not fit this network; move it away to start anew", file.string());
  return static_cast<std::int64_t>(std::stoll(pictures->second));
}

Result<> save_checkpoint(const fs::path& file, const std::map<std::string, at::Tensor>& state,
                         std::int64_t pictures) {
  fs::create_directories(file.parent_path());
  return models::write_safetensors(file, models::as_views(state),
                                   {{"pictures", std::to_string(pictures)}});
}

namespace {

/// Files of the repository stay below 16 MiB; larger networks are cut into shards.
constexpr std::size_t kShardBytes = 15u << 20;

using Tensors = std::map<std::string, at::Tensor>;

std::vector<Tensors> into_shards(const Tensors& tensors) {
  std::vector<Tensors> shards(1);
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    if (bytes > 0 && bytes + tensor.nbytes() > kShardBytes) {
      shards.emplace_back();
      bytes = 0;
    }
    shards.back()[name] = tensor;
    bytes += tensor.nbytes();
  }
  return shards;
}

}  // namespace

Result<> save_network(const fs::path& folder, const std::string& stem, const Tensors& weights,
                      const std::string& config) {
  fs::create_directories(folder);
  Tensors halves;
  std::size_t total = 0;
  for (const auto& [name, tensor] : weights) {
    halves[name] = tensor.to(at::kHalf);
    total += halves[name].nbytes();
  }
  const std::vector<Tensors> shards = into_shards(halves);
  nlohmann::json index = {{"metadata", {{"total_size", total}}},
                          {"weight_map", nlohmann::json::object()}};
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string file = shards.size() == 1 ? stem + ".safetensors"
                                                : fmt::format("{}-{:05}-of-{:05}.safetensors", stem,
                                                              i + 1, shards.size());
    for (const auto& entry : shards[i]) index["weight_map"][entry.first] = file;
    TRY_VOID(
        models::write_safetensors(folder / file, models::as_views(shards[i]), {{"format", "pt"}}));
  }
  if (shards.size() > 1)
    TRY_VOID(
        write_file_atomically(folder / (stem + ".safetensors.index.json"), index.dump(1) + "\n"));
  return write_file_atomically(folder / "config.json", config);
}

std::map<std::string, at::Tensor> prefixed(const std::string& prefix,
                                           const std::map<std::string, at::Tensor>& tensors) {
  std::map<std::string, at::Tensor> out;
  for (const auto& [name, tensor] : tensors) out[prefix + name] = tensor;
  return out;
}

void log_line(const TrainOptions& options, const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
  fs::create_directories(options.training);
  if (FILE* file = std::fopen((options.training / "log.txt").c_str(), "a")) {
    std::fprintf(file, "%s\n", line.c_str());
    std::fclose(file);
  }
}

}  // namespace invokeai::demo
