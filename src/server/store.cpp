#include "server/store.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <chrono>
#include <span>

#include "server/internal/base64.h"

namespace invokeai::server {
namespace {

constexpr const char* kSteps[] = {R"sql(
  CREATE TABLE remembered (user TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE presets (
    name TEXT PRIMARY KEY, prompt TEXT NOT NULL, negative_prompt TEXT NOT NULL,
    settings TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE users (
    name TEXT PRIMARY KEY, admin INTEGER NOT NULL, salt TEXT NOT NULL, password TEXT NOT NULL)
    WITHOUT ROWID;
  CREATE TABLE sessions (
    token TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    until INTEGER NOT NULL) WITHOUT ROWID;
)sql"};

constexpr std::int64_t kSessionSeconds = 30 * 24 * 3600;
constexpr std::size_t kShortestPassword = 8;

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  INVOKEAI_CHECK_EQ(
      RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)), 1);
  return bytes;
}

/// scrypt (RFC 7914), 16 MiB and about 50 ms.
std::string password_hash(const std::string& password, const std::string& salt) {
  std::string hash(32, '\0');
  INVOKEAI_CHECK_EQ(
      EVP_PBE_scrypt(password.data(), password.size(),
                     reinterpret_cast<const unsigned char*>(salt.data()), salt.size(), 1 << 14, 8,
                     1, 64 << 20, reinterpret_cast<unsigned char*>(hash.data()), hash.size()),
      1);
  return base64_encode(hash);
}

/// Tokens are stored as their hash: who reads the file can log in as nobody.
std::string token_key(const std::string& token) {
  return sha256_hex({reinterpret_cast<const std::uint8_t*>(token.data()), token.size()});
}

bool equal(const std::string& a, const std::string& b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const fs::path& file) {
  TRY_ASSIGN(sql::Database database, sql::Database::open(file));
  TRY_VOID(database.migrate(kSteps));
  TRY_VOID(database.run_script("PRAGMA foreign_keys = ON"));
  return std::unique_ptr<Store>(new Store(std::move(database)));
}

Result<std::string> Store::remembered(const std::string& user) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(auto rows, database_.query("SELECT json FROM remembered WHERE user = ?", user));
  TRY_ASSIGN(const bool any, rows.step());
  return any ? rows.text(0) : std::string("{}");
}

Result<> Store::remember(const std::string& user, const std::string& json) {
  const std::lock_guard lock(mutex_);
  TRY_VOID(database_.run("INSERT OR REPLACE INTO remembered VALUES (?, ?)", user, json));
  return {};
}

Result<std::vector<Preset>> Store::presets() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(auto rows,
             database_.query(
                 "SELECT name, prompt, negative_prompt, settings FROM presets ORDER BY name"));
  std::vector<Preset> presets;
  while (true) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return presets;
    presets.push_back({rows.text(0), rows.text(1), rows.text(2), rows.text(3)});
  }
}

Result<> Store::put_preset(const Preset& preset) {
  const std::lock_guard lock(mutex_);
  TRY_VOID(database_.run("INSERT OR REPLACE INTO presets VALUES (?, ?, ?, ?)", preset.name,
                         preset.prompt, preset.negative_prompt, preset.values));
  return {};
}

Result<bool> Store::remove_preset(const std::string& name) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const auto removed, database_.run("DELETE FROM presets WHERE name = ?", name));
  return removed > 0;
}

Result<std::vector<User>> Store::users() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(auto rows, database_.query("SELECT name, admin FROM users ORDER BY name"));
  std::vector<User> users;
  while (true) {
    TRY_ASSIGN(const bool more, rows.step());
    if (!more) return users;
    users.push_back({rows.text(0), rows.integer(1) != 0 ? Role::admin : Role::user});
  }
}

Result<> Store::put_user(const User& user, const std::string& password) {
  if (user.name.empty()) return fail(ErrorCode::invalid_argument, "", "a user needs a name");
  if (password.size() < kShortestPassword)
    return fail(ErrorCode::invalid_argument, "", "a password of at least {} characters is wanted",
                kShortestPassword);
  const std::string salt = base64_encode(random_bytes(16));
  const std::string hash = password_hash(password, salt);
  const std::lock_guard lock(mutex_);
  TRY_VOID(database_.run("DELETE FROM users WHERE name = ?", user.name));
  TRY_VOID(database_.run("INSERT INTO users VALUES (?, ?, ?, ?)", user.name,
                         user.role == Role::admin, salt, hash));
  return {};
}

Result<bool> Store::remove_user(const std::string& name) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const auto removed, database_.run("DELETE FROM users WHERE name = ?", name));
  return removed > 0;
}

Result<std::optional<std::string>> Store::log_in(const std::string& name,
                                                 const std::string& password) {
  std::string salt, known;
  {
    const std::lock_guard lock(mutex_);
    TRY_ASSIGN(auto rows, database_.query("SELECT salt, password FROM users WHERE name = ?", name));
    TRY_ASSIGN(const bool any, rows.step());
    if (any) {
      salt = rows.text(0);
      known = rows.text(1);
    }
  }
  // The same work whether or not there is such a user.
  if (!equal(password_hash(password, salt), known)) return std::optional<std::string>();
  const std::string token = token_key(random_bytes(32));
  const std::lock_guard lock(mutex_);
  TRY_VOID(database_.run("DELETE FROM sessions WHERE until < ?", now()));
  TRY_VOID(database_.run("INSERT INTO sessions VALUES (?, ?, ?)", token_key(token), name,
                         now() + kSessionSeconds));
  return std::optional(token);
}

Result<> Store::log_out(const std::string& token) {
  const std::lock_guard lock(mutex_);
  TRY_VOID(database_.run("DELETE FROM sessions WHERE token = ?", token_key(token)));
  return {};
}

Result<std::optional<User>> Store::user_of(const std::string& token) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(auto rows,
             database_.query("SELECT users.name, users.admin FROM sessions JOIN users ON "
                             "users.name = sessions.user WHERE token = ? AND until >= ?",
                             token_key(token), now()));
  TRY_ASSIGN(const bool any, rows.step());
  if (!any) return std::optional<User>();
  return std::optional(User{rows.text(0), rows.integer(1) != 0 ? Role::admin : Role::user});
}

}  // namespace invokeai::server
