#pragma once
// Which models can be drawn with: those of configs/models.yaml, those that lie in models/ of the
// root folder, and those the program was started with.

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace invokeai::server {

struct ModelEntry {
  std::string name;
  std::string description = {};
  std::string format = "ckpt";  ///< or "diffusers"
  fs::path path = {};           ///< absolute; empty: only a repository is named
  std::string repo_id = {};
  std::string config = {};  ///< a 2.x configuration file; kept, not read
  std::string vae = {};     ///< of a checkpoint: file; kept, not read
  int width = 512;          ///< pixels it was trained for
  int height = 512;
  bool is_default = false;
  bool listed = false;  ///< stands in models.yaml
};

/// A checkpoint or a folder of one, found by searching.
struct FoundModel {
  std::string name;
  fs::path path;
};

/// Thread-safe. Errors of all calls: bad_file (models.yaml cannot be understood), io.
class ModelList {
 public:
  /// `started_with` are there whatever the files say.
  ModelList(fs::path root, std::vector<ModelEntry> started_with);

  /// By name, without regard to case.
  Result<std::vector<ModelEntry>> entries() const;
  /// Errors: also not_found.
  Result<ModelEntry> find(const std::string& name) const;
  /// The entry with this file or folder.
  std::optional<ModelEntry> at(const fs::path& path) const;

  /// Writes an entry of models.yaml; the others stay as they are. True: it replaced one of this
  /// name. Errors: also invalid_argument (no name).
  Result<bool> put(const ModelEntry& entry);
  /// Removes an entry of models.yaml, never files. False: there was none.
  Result<bool> remove(const std::string& name);

  /// Every .ckpt and .safetensors at and below the folder; none when there is no such folder.
  static std::vector<FoundModel> search(const fs::path& folder);

 private:
  Result<std::vector<ModelEntry>> read_listed() const;
  fs::path file() const { return root_ / "configs" / "models.yaml"; }
  const fs::path root_;
  const std::vector<ModelEntry> started_with_;
  mutable std::mutex mutex_;  ///< guards models.yaml
};

}  // namespace invokeai::server
