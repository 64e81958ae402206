#pragma once
// What the server keeps besides jobs and pictures: presets, what pages remember, users and their
// sessions. One SQLite file.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/sqlite.h"
#include "server/http.h"

namespace invokeai::server {

struct Preset {
  std::string name;
  std::string prompt;
  std::string negative_prompt;
  std::string values;  ///< JSON object: settings by wire name
};

struct User {
  std::string name;
  Role role = Role::user;
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

  Result<std::vector<User>> users();  ///< by name
  /// Makes or changes a user, whose sessions end. Errors: also invalid_argument (name or password
  /// too short).
  Result<> put_user(const User& user, const std::string& password);
  Result<bool> remove_user(const std::string& name);  ///< false: there was none

  /// The token of a new session; none when name or password are wrong.
  Result<std::optional<std::string>> log_in(const std::string& name, const std::string& password);
  Result<> log_out(const std::string& token);
  /// Whose session this is; none when there is no such session any more.
  Result<std::optional<User>> user_of(const std::string& token);

 private:
  explicit Store(sql::Database database) : database_(std::move(database)) {}
  std::mutex mutex_;  ///< guards the connection
  sql::Database database_;
};

}  // namespace invokeai::server
