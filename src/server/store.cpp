#include "server/store.h"

namespace invokeai::server {
namespace {

constexpr const char* kSteps[] = {R"sql(
  CREATE TABLE remembered (user TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE presets (
    name TEXT PRIMARY KEY, prompt TEXT NOT NULL, negative_prompt TEXT NOT NULL,
    settings TEXT NOT NULL) WITHOUT ROWID;
)sql"};

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const fs::path& file) {
  TRY_ASSIGN(sql::Database database, sql::Database::open(file));
  TRY_VOID(database.migrate(kSteps));
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

}  // namespace invokeai::server
