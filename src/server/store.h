#pragma once
// What the server keeps besides jobs and pictures: presets, and what pages remember. One SQLite
// file.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/sqlite.h"

namespace invokeai::server {

struct Preset {
  std::string name;
  std::string prompt = {};
  std::string negative_prompt = {};
  std::string values = {};  ///< JSON object: settings by wire name
};

/// Thread-safe. Errors of all calls: those of base/sqlite.h.
class Store {
 public:
  static Result<std::unique_ptr<Store>> open(const fs::path& file);

  /// A JSON object; "{}" when nothing was remembered for this user.
  Result<std::string> remembered(const std::string& user);
  Result<> remember(const std::string& user, const std::string& json);

  Result<std::vector<Preset>> presets();  ///< by name
  Result<> put_preset(const Preset& preset);
  Result<bool> remove_preset(const std::string& name);  ///< false: there was none

 private:
  explicit Store(sql::Database database) : database_(std::move(database)) {}
  std::mutex mutex_;  ///< guards the connection
  sql::Database database_;
};

}  // namespace invokeai::server
