#include "server/access.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "server/origin.h"

namespace invokeai::server {
namespace {

using nlohmann::json;

constexpr const char* kOrigin = "access";
constexpr int kLogCost = 15, kBlock = 8, kParallel = 1;  // 32 MB, about 0.1 s
constexpr std::size_t kShortest = 8, kLongest = 1024;    // bytes of a password
constexpr std::size_t kMostSessions = 1000;
constexpr std::chrono::seconds kWindow{60};

std::string hexed(std::span<const unsigned char> bytes) {
  std::string out;
  for (const unsigned char byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

std::string random_hex(std::size_t count) {
  std::vector<unsigned char> bytes(count);
  INVOKEAI_CHECK_EQ(::RAND_bytes(bytes.data(), static_cast<int>(count)), 1);
  return hexed(bytes);
}

/// Hexadecimal of 32 bytes; empty when the costs make no sense.
std::string scrypt(std::string_view password, std::string_view salt, int log_cost, int block,
                   int parallel) {
  if (log_cost < 1 || log_cost > 20 || block < 1 || block > 32 || parallel < 1 || parallel > 16)
    return "";
  unsigned char key[32];
  const int done = ::EVP_PBE_scrypt(
      password.data(), password.size(), reinterpret_cast<const unsigned char*>(salt.data()),
      salt.size(), std::uint64_t{1} << log_cost, block, parallel, std::uint64_t{2} << 30, key, sizeof key);
  return done == 1 ? hexed(key) : "";
}

std::string sha256_of(std::string_view text) {
  return sha256_hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool is_user_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-' || c == '@';
         });
}

std::string bearer(const Request& request) {
  const std::string header = request.header("authorization");
  return header.size() > 7 && (header.starts_with("Bearer ") || header.starts_with("bearer "))
             ? header.substr(7)
             : "";
}

}  // namespace

std::string hash_password(std::string_view password) {
  const std::string salt = random_hex(16);
  return fmt::format("scrypt${}${}${}${}${}", kLogCost, kBlock, kParallel, salt,
                     scrypt(password, salt, kLogCost, kBlock, kParallel));
}

bool is_password(std::string_view password, std::string_view hash) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= hash.size();) {
    const std::size_t end = std::min(hash.find('$', at), hash.size());
    parts.emplace_back(hash.substr(at, end - at));
    at = end + 1;
  }
  if (parts.size() != 6 || parts[0] != "scrypt") return false;
  const auto number = [&](int i) { return std::atoi(parts[static_cast<std::size_t>(i)].c_str()); };
  const std::string key = scrypt(password, parts[4], number(1), number(2), number(3));
  return !key.empty() && same(key, parts[5]);
}

std::string new_secret() { return random_hex(32); }

const char* role_name(Role role) {
  return role == Role::admin ? "admin" : role == Role::user ? "user" : "none";
}

std::optional<Role> role_from_name(std::string_view name) {
  if (name == "admin") return Role::admin;
  if (name == "user") return Role::user;
  return std::nullopt;
}

int LoginLimiter::wait(const std::string& key, Clock::time_point now) const {
  const auto found = failures_.find(key);
  if (found == failures_.end() || found->second.count < most_) return 0;
  const auto left = found->second.first + kWindow - now;
  return std::max(0, static_cast<int>(std::ceil(std::chrono::duration<double>(left).count())));
}

void LoginLimiter::failed(const std::string& key, Clock::time_point now) {
  std::erase_if(failures_, [&](const auto& each) { return now - each.second.first >= kWindow; });
  Failures& failures = failures_[key];
  if (failures.count++ == 0) failures.first = now;
}

Access::Access(AccessOptions options)
    : options_(std::move(options)),
      token_hash_(options_.token.empty() ? "" : sha256_of(options_.token)) {}

Result<std::unique_ptr<Access>> Access::open(AccessOptions options) {
  std::unique_ptr<Access> access(new Access(std::move(options)));
  TRY_VOID(access->load());
  const AccessOptions& o = access->options_;
  if (!is_loopback(o.bound) && !o.open_to_all && o.token.empty() && access->users_.empty())
    return fail(ErrorCode::invalid_argument, kOrigin,
                "--host {} lets other machines reach this server and nobody would have to log in; give "
                "--token SECRET, or start on 127.0.0.1 first and add users, or say --no_auth to let "
                "everybody in", o.bound);
  return access;
}

Result<> Access::load() {
  std::error_code error;
  if (!fs::exists(options_.file, error)) return {};
  TRY_ASSIGN(const std::string text, read_file(options_.file, 16u << 20));
  try {
    const json all = json::parse(text);
    for (const json& each : all.at("users")) {
      const auto role = role_from_name(each.at("role").get<std::string>());
      users_[each.at("name")] = {role.value_or(Role::user), each.at("hash")};
    }
    for (const json& each : all.at("sessions"))
      sessions_[each.at("hash")] = {each.at("user"), each.value("token", ""), each.at("expires")};
  } catch (const json::exception& exception) {
    return fail(ErrorCode::bad_file, kOrigin,
                "{}: no list of users as this program writes it ({}); put the file aside to begin anew",
                options_.file.string(), exception.what());
  }
  return {};
}

Result<> Access::save() const {
  json users = json::array(), sessions = json::array();
  for (const auto& [name, user] : users_)
    users.push_back({{"name", name}, {"role", role_name(user.role)}, {"hash", user.hash}});
  for (const auto& [hash, session] : sessions_)
    sessions.push_back({{"hash", hash}, {"user", session.user}, {"token", session.token_hash},
                        {"expires", session.expires}});
  const json all{{"users", users}, {"sessions", sessions}};
  return write_file_atomically(options_.file, all.dump(1) + '\n', 0600);
}

bool Access::required_locked() const {
  if (options_.open_to_all) return false;
  return !is_loopback(options_.bound) || !users_.empty() || !token_hash_.empty();
}

bool Access::required() const {
  const std::lock_guard lock(mutex_);
  return required_locked();
}

bool Access::is_token(std::string_view text) const {
  return !token_hash_.empty() && !text.empty() && same(sha256_of(text), token_hash_);
}

Caller Access::caller_of_session(const std::string& secret) const {
  if (secret.empty()) return {};
  const auto found = sessions_.find(sha256_of(secret));
  if (found == sessions_.end() || found->second.expires <= std::time(nullptr)) return {};
  const Session& session = found->second;
  if (session.user.empty())
    return !token_hash_.empty() && session.token_hash == token_hash_ ? Caller{"", Role::admin} : Caller{};
  const auto user = users_.find(session.user);
  return user == users_.end() ? Caller{} : Caller{user->first, user->second.role};
}

Caller Access::authenticate(const Request& request) const {
  if (is_token(bearer(request)) || is_token(request.query_value("token"))) return {"", Role::admin};
  const std::lock_guard lock(mutex_);
  const Caller caller = caller_of_session(request.cookie("invokeai_session"));
  if (caller.role != Role::none) return caller;
  return required_locked() ? Caller{} : Caller{"", Role::admin};
}

Result<LogIn> Access::begin_session(Caller caller) {
  const std::string secret = new_secret();
  const std::int64_t now = std::time(nullptr);
  const std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [&](const auto& each) { return each.second.expires <= now; });
  if (sessions_.size() >= kMostSessions)
    sessions_.erase(std::min_element(sessions_.begin(), sessions_.end(), [](const auto& a, const auto& b) {
      return a.second.expires < b.second.expires;
    }));
  sessions_[sha256_of(secret)] = {caller.name, caller.name.empty() ? token_hash_ : "",
                                  now + options_.session_life.count()};
  TRY_VOID(save());
  return LogIn{secret, std::move(caller), 0};
}

Result<LogIn> Access::log_in(const std::string& name, std::string_view password,
                             const std::string& remote) {
  const auto now = LoginLimiter::Clock::now();
  std::string hash;
  Role role = Role::none;
  {
    const std::lock_guard lock(mutex_);
    const int wait = std::max(by_remote_.wait(remote, now), by_name_.wait(name, now));
    if (wait > 0) return LogIn{"", {}, wait};
    // Counted before it is known, so that many tries at once are no way around.
    by_remote_.failed(remote, now);
    by_name_.failed(name, now);
    if (const auto user = users_.find(name); user != users_.end()) {
      hash = user->second.hash;
      role = user->second.role;
    }
  }
  // An unknown name takes as long as a known one.
  static const std::string nobody = hash_password("nobody");
  bool right = false;
  {
    const std::lock_guard one_at_a_time(hashing_);
    right = password.size() <= kLongest && is_password(password, hash.empty() ? nobody : hash) &&
            !hash.empty();
  }
  if (!right) return LogIn{};
  {
    const std::lock_guard lock(mutex_);
    by_remote_.succeeded(remote);
    by_name_.succeeded(name);
  }
  return begin_session({name, role});
}

Result<LogIn> Access::log_in_with_token(std::string_view token, const std::string& remote) {
  const auto now = LoginLimiter::Clock::now();
  {
    const std::lock_guard lock(mutex_);
    if (const int wait = by_remote_.wait(remote, now); wait > 0) return LogIn{"", {}, wait};
    if (!is_token(token)) {
      by_remote_.failed(remote, now);
      return LogIn{};
    }
  }
  return begin_session({"", Role::admin});
}

Result<> Access::log_out(std::string_view secret) {
  const std::lock_guard lock(mutex_);
  if (sessions_.erase(sha256_of(secret)) == 0) return {};
  return save();
}

std::vector<User> Access::users() const {
  const std::lock_guard lock(mutex_);
  std::vector<User> all;
  for (const auto& [name, user] : users_) all.push_back({name, user.role});
  return all;
}

int Access::admins_without(const std::string& name) const {
  return static_cast<int>(std::count_if(users_.begin(), users_.end(), [&](const auto& each) {
    return each.first != name && each.second.role == Role::admin;
  }));
}

void Access::end_sessions(const std::string& user) {
  std::erase_if(sessions_, [&](const auto& each) { return each.second.user == user; });
}

Result<> Access::put_user(const User& user, const std::optional<std::string>& password) {
  if (!is_user_name(user.name))
    return fail(ErrorCode::invalid_argument, kOrigin,
                "a user's name has 1 to 64 letters, digits and . _ - @ of ASCII");
  if (password && (password->size() < kShortest || password->size() > kLongest))
    return fail(ErrorCode::invalid_argument, kOrigin, "a password has {} to {} bytes", kShortest, kLongest);
  std::string hash;
  if (password) {
    const std::lock_guard one_at_a_time(hashing_);
    hash = hash_password(*password);
  }
  const std::lock_guard lock(mutex_);
  const auto old = users_.find(user.name);
  if (!password && old == users_.end())
    return fail(ErrorCode::invalid_argument, kOrigin, "a new user needs a password");
  if (user.role != Role::admin && admins_without(user.name) == 0)
    return fail(ErrorCode::invalid_argument, kOrigin, "{}",
                users_.empty() ? "the first user is an admin: give the role admin"
                               : "the last admin stays one; make another first");
  const auto users = users_;
  const auto sessions = sessions_;
  if (password) end_sessions(user.name);
  users_[user.name] = {user.role, password ? hash : old->second.hash};
  Result<> saved = save();
  if (!saved) {
    users_ = users;
    sessions_ = sessions;
  }
  return saved;
}

Result<> Access::remove_user(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (users_.find(name) == users_.end())
    return fail(ErrorCode::not_found, kOrigin, "there is no user {}", name);
  // With the last user gone everybody on this machine is an admin again; others could not get in.
  const bool others_stay = users_.size() > 1 || (!is_loopback(options_.bound) && token_hash_.empty());
  if (others_stay && admins_without(name) == 0)
    return fail(ErrorCode::invalid_argument, kOrigin, "the last admin stays; make another first");
  const auto users = users_;
  const auto sessions = sessions_;
  users_.erase(name);
  end_sessions(name);
  Result<> saved = save();
  if (!saved) {
    users_ = users;
    sessions_ = sessions;
  }
  return saved;
}

}  // namespace invokeai::server
