#pragma once
// Who may ask: the server's token, users with passwords, and the sessions of browsers.
//
// Bound to this machine alone, everybody is an admin until there are users or a token. Bound
// elsewhere the server wants one of both, or to be told by name that it is open.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "server/http.h"

namespace invokeai::server {

/// "scrypt$15$8$1$salt$key": cost and salt stand in the text, so that they can grow later.
std::string hash_password(std::string_view password);
bool is_password(std::string_view password, std::string_view hash);

/// Lower-case hexadecimal of 32 bytes from the system's source of chance.
std::string new_secret();

const char* role_name(Role role);                           ///< "none", "user", "admin"
std::optional<Role> role_from_name(std::string_view name);  ///< user or admin

/// Counts wrong passwords for each key (an address, a name) within a minute.
class LoginLimiter {
 public:
  using Clock = std::chrono::steady_clock;
  explicit LoginLimiter(int most) : most_(most) {}
  /// Seconds until the next try, 0 when one is allowed now.
  int wait(const std::string& key, Clock::time_point now) const;
  void failed(const std::string& key, Clock::time_point now);
  void succeeded(const std::string& key) { failures_.erase(key); }

 private:
  struct Failures {
    Clock::time_point first;
    int count = 0;
  };
  const int most_;
  std::map<std::string, Failures> failures_;
};

struct AccessOptions {
  fs::path file;                    ///< users and sessions; made when the first one is
  std::string bound = "127.0.0.1";  ///< address the server listens on
  std::string token = {};           ///< opens everything; empty: none
  bool open_to_all = false;         ///< nobody has to log in, wherever the server is bound
  std::chrono::seconds session_life{30 * 24 * 3600};
};

struct User {
  std::string name;
  Role role = Role::user;
};

struct LogIn {
  std::string secret;    ///< of the new session; empty when the password is wrong
  Caller caller;
  int wait_seconds = 0;  ///< too many wrong ones: not even looked at
};

/// Thread-safe.
class Access {
 public:
  /// Errors: invalid_argument (bound elsewhere with nobody to ask for), bad_file, io.
  static Result<std::unique_ptr<Access>> open(AccessOptions options);

  /// Bearer token, ?token=, or session cookie; for HttpServer::set_authenticate().
  Caller authenticate(const Request& request) const;
  /// False while everybody is an admin.
  bool required() const;

  /// Takes about 0.1 s. Errors: io.
  Result<LogIn> log_in(const std::string& name, std::string_view password,
                       const std::string& remote);
  /// A session for who knows the token, or a caller of role none.
  Result<LogIn> log_in_with_token(std::string_view token, const std::string& remote);
  Result<> log_out(std::string_view secret);

  std::vector<User> users() const;
  /// Adds or changes one; a new password ends his sessions. No password: that of before. Errors:
  /// invalid_argument (name, length, the first user no admin, the last admin no longer one), io.
  Result<> put_user(const User& user, const std::optional<std::string>& password);
  /// Errors: not_found, invalid_argument (the last admin), io.
  Result<> remove_user(const std::string& name);

  std::chrono::seconds session_life() const { return options_.session_life; }

 private:
  struct Stored {
    Role role = Role::user;
    std::string hash;
  };
  struct Session {
    std::string user;         // empty: of the token
    std::string token_hash;   // which token that was
    std::int64_t expires = 0;  // seconds since 1970
  };

  explicit Access(AccessOptions options);
  Result<> load();
  Result<> save() const;                      // with the lock held
  bool required_locked() const;
  bool is_token(std::string_view text) const;
  Caller caller_of_session(const std::string& secret) const;  // with the lock held
  Result<LogIn> begin_session(Caller caller);
  int admins_without(const std::string& name) const;
  void end_sessions(const std::string& user);

  const AccessOptions options_;
  const std::string token_hash_;
  mutable std::mutex mutex_;  // guards the rest
  std::map<std::string, Stored> users_;
  std::map<std::string, Session> sessions_;  // by SHA-256 of the secret
  LoginLimiter by_remote_{10}, by_name_{20};
  std::mutex hashing_;        // one password at a time: each takes 32 MB
};

}  // namespace invokeai::server
