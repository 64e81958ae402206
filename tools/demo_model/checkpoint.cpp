#include "demo_model/checkpoint.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "demo_model/captions.h"
#include "models/formats/safetensors.h"
#include "models/tensors.h"

namespace invokeai::demo {

Result<std::int64_t> restore_checkpoint(const fs::path& file, nn::Optimizer& optimizer,
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

/// Adds shards with these tensors.
void add_shards(std::vector<Tensors>& shards, const Tensors& tensors) {
  std::size_t bytes = kShardBytes;
  for (const auto& [name, tensor] : tensors) {
    if (bytes + tensor.nbytes() > kShardBytes) {
      shards.emplace_back();
      bytes = 0;
    }
    shards.back()[name] = tensor;
    bytes += tensor.nbytes();
  }
}

/// Shards of another model: files and the tensors in them.
struct LinkedShards {
  std::map<std::string, std::vector<std::string>> files;
  std::size_t bytes = 0;
};

std::string index_of(const std::string& stem) { return stem + ".safetensors.index.json"; }

Result<LinkedShards> common_shards(const std::string& stem, const CommonWeights& common) {
  const fs::path index = *common.from / index_of(stem);
  TRY_ASSIGN(const nlohmann::json json, read_json(index));
  TRY_ASSIGN(const models::TensorSource source, models::open_tensor_file(index));
  LinkedShards out;
  std::set<std::string> mixed;
  for (const auto& [tensor, file] : json.at("weight_map").items()) {
    if (common.are(tensor)) {
      out.files[file].push_back(tensor);
      out.bytes += source.find(tensor)->data.size();
    } else {
      mixed.insert(file.get<std::string>());
    }
  }
  for (const auto& [file, tensors] : out.files)
    if (mixed.contains(file))
      return fail(
          ErrorCode::bad_file, "demo.common",
          "{}: {} holds other weights beside those to be shared; make that model anew first",
          index.string(), file);
  return out;
}

/// Removes files of the network that belong to another division of its weights.
void remove_others(const fs::path& folder, const std::string& stem,
                   const std::set<std::string>& current) {
  std::vector<fs::path> others;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool is_part =
        name == index_of(stem) || (name.starts_with(stem) && name.ends_with(".safetensors"));
    if (is_part && !current.contains(name)) others.push_back(entry.path());
  }
  for (const fs::path& other : others) fs::remove(other);
}

void link(const fs::path& target, const fs::path& name) {
  fs::remove(name);
  fs::create_symlink(fs::relative(target, name.parent_path()), name);
}

}  // namespace

Result<> check_common(const std::string& stem, const CommonWeights& common) {
  TRY_ASSIGN(const LinkedShards linked, common_shards(stem, common));
  (void)linked;
  return {};
}

Result<> save_network(const fs::path& folder, const std::string& stem, const Tensors& weights,
                      const std::string& config, const CommonWeights& common) {
  fs::create_directories(folder);
  Tensors shared, own;
  for (const auto& [name, tensor] : weights)
    (common.are && common.are(name) ? shared : own)[name] = tensor.to(at::kHalf);
  LinkedShards linked;
  std::size_t bytes = 0;
  std::vector<Tensors> shards;
  if (common.from) {
    TRY_ASSIGN(linked, common_shards(stem, common));
    bytes = linked.bytes;
  } else {
    add_shards(shards, shared);
  }
  add_shards(shards, own);
  nlohmann::json map = nlohmann::json::object();
  std::set<std::string> files;
  for (const auto& [file, tensors] : linked.files) {
    link(*common.from / file, folder / file);
    files.insert(file);
    for (const std::string& tensor : tensors) map[tensor] = file;
  }
  const std::size_t total = linked.files.size() + shards.size();
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string file = total == 1 ? stem + ".safetensors"
                                        : fmt::format("{}-{:05}-of-{:05}.safetensors", stem,
                                                      linked.files.size() + i + 1, total);
    files.insert(file);
    for (const auto& [name, tensor] : shards[i]) map[name] = file, bytes += tensor.nbytes();
    TRY_VOID(
        models::write_safetensors(folder / file, models::as_views(shards[i]), {{"format", "pt"}}));
  }
  if (total > 1) {
    files.insert(index_of(stem));
    TRY_VOID(write_file_atomically(
        folder / index_of(stem),
        nlohmann::json{{"metadata", {{"total_size", bytes}}}, {"weight_map", map}}.dump(1) + "\n"));
  }
  remove_others(folder, stem, files);
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
