#include "server/model_list.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>

#include "base/settings.h"

namespace invokeai::server {
namespace {

constexpr std::size_t kLargestList = std::size_t{4} << 20;
constexpr int kDeepest = 6;  // folders below the one that is searched

std::string text_of(const YAML::Node& node, const char* key) {
  const YAML::Node value = node[key];
  if (!value || !value.IsScalar()) return {};
  const std::string text = value.Scalar();
  return text == "None" || text == "null" ? std::string() : text;  // as 2.3.0 wrote absent values
}

int pixels_of(const YAML::Node& node, const char* key) {
  const YAML::Node value = node[key];
  const int pixels = value && value.IsScalar() ? value.as<int>(512) : 512;
  return pixels >= 8 && pixels <= 8192 ? pixels : 512;
}

ModelEntry entry_from(const std::string& name, const YAML::Node& node, const fs::path& root) {
  ModelEntry entry;
  entry.name = name;
  entry.listed = true;
  entry.description = text_of(node, "description");
  if (text_of(node, "format") == "diffusers") entry.format = "diffusers";
  const std::string path = text_of(node, entry.format == "diffusers" ? "path" : "weights");
  if (!path.empty()) entry.path = (root / path).lexically_normal();
  entry.repo_id = text_of(node, "repo_id");
  entry.config = text_of(node, "config");
  entry.vae = text_of(node, "vae");
  entry.width = pixels_of(node, "width");
  entry.height = pixels_of(node, "height");
  entry.is_default = text_of(node, "default") == "true";
  return entry;
}

void write_entry(YAML::Node node, const ModelEntry& entry) {
  const auto put = [&](const char* key, const std::string& text) {
    if (text.empty())
      node.remove(key);
    else
      node[key] = text;
  };
  put("description", entry.description);
  put("format", entry.format);
  put(entry.format == "diffusers" ? "path" : "weights", entry.path.string());
  put("repo_id", entry.repo_id);
  put("config", entry.config);
  if (entry.format == "ckpt") put("vae", entry.vae);
  node["width"] = entry.width;
  node["height"] = entry.height;
  if (entry.is_default)
    node["default"] = true;
  else
    node.remove("default");
}

bool is_checkpoint(const fs::path& path) {
  const auto ending = path.extension();
  return ending == ".ckpt" || ending == ".safetensors";
}

/// Folders and files directly in models/.
std::vector<ModelEntry> scan(const fs::path& folder) {
  std::vector<ModelEntry> entries;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const fs::path& path = at->path();
    std::error_code ignored;
    const bool diffusers = fs::is_regular_file(path / "model_index.json", ignored);
    if (!diffusers && !(is_checkpoint(path) && at->is_regular_file(ignored))) continue;
    entries.push_back({.name = diffusers ? path.filename().string() : path.stem().string(),
                       .format = diffusers ? "diffusers" : "ckpt",
                       .path = path.lexically_normal()});
  }
  return entries;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// VAEs were entries of their own in very old lists.
bool is_old_vae(const ModelEntry& entry) { return entry.config.find("/VAE/") != std::string::npos; }

Error unreadable(const fs::path& file, const std::exception& exception) {
  return {ErrorCode::bad_file, "models",
          fmt::format("{}: {}; mend or remove the file", file.string(), exception.what())};
}

Result<YAML::Node> load(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return YAML::Node(YAML::NodeType::Map);
  TRY_ASSIGN(const std::string text, read_file(file, kLargestList));
  try {
    YAML::Node root = YAML::Load(text);
    if (root.IsNull()) root = YAML::Node(YAML::NodeType::Map);
    if (root.IsMap()) return root;
  } catch (const YAML::Exception& exception) {
    return tl::make_unexpected(unreadable(file, exception));
  }
  return fail(ErrorCode::bad_file, "models", "{}: is no list of models by name", file.string());
}

Result<> save(const fs::path& file, const YAML::Node& root) {
  std::error_code ignored;
  fs::create_directories(file.parent_path(), ignored);
  YAML::Emitter out;
  out << root;
  return write_file_atomically(
      file, std::string("# Models by name. `path` or `weights` is relative to the root folder.\n") +
                out.c_str() + "\n");
}

}  // namespace

ModelList::ModelList(fs::path root, std::vector<ModelEntry> started_with)
    : root_(std::move(root)), started_with_(std::move(started_with)) {}

Result<std::vector<ModelEntry>> ModelList::read_listed() const {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const YAML::Node root, load(file()));
  std::vector<ModelEntry> entries;
  try {
    for (const auto& item : root)
      if (item.second.IsMap())
        entries.push_back(entry_from(item.first.as<std::string>(), item.second, root_));
  } catch (const YAML::Exception& exception) {
    return tl::make_unexpected(unreadable(file(), exception));
  }
  return entries;
}

Result<std::vector<ModelEntry>> ModelList::entries() const {
  TRY_ASSIGN(std::vector<ModelEntry> entries, read_listed());
  std::erase_if(entries, is_old_vae);
  const auto add = [&](const ModelEntry& entry) {
    const bool known = std::ranges::any_of(entries, [&](const ModelEntry& other) {
      return other.name == entry.name || (!other.path.empty() && other.path == entry.path);
    });
    if (!known) entries.push_back(entry);
  };
  std::ranges::for_each(started_with_, add);
  std::ranges::for_each(scan(root_ / "models"), add);
  std::ranges::sort(entries, {}, [](const ModelEntry& entry) { return lower(entry.name); });
  return entries;
}

Result<ModelEntry> ModelList::find(const std::string& name) const {
  TRY_ASSIGN(const auto all, entries());
  const auto found = std::ranges::find(all, name, &ModelEntry::name);
  if (found != all.end()) return *found;
  return fail(ErrorCode::not_found, "", "there is no model {}; GET /api/v1/models lists them",
              shown(name));
}

std::optional<ModelEntry> ModelList::at(const fs::path& path) const {
  const auto all = entries();
  if (!all) return std::nullopt;
  const auto found = std::ranges::find(*all, path.lexically_normal(), &ModelEntry::path);
  return found != all->end() ? std::optional(*found) : std::nullopt;
}

Result<bool> ModelList::put(const ModelEntry& entry) {
  if (entry.name.empty())
    return fail(ErrorCode::invalid_argument, "", "a model needs a name");
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(YAML::Node root, load(file()));
  try {
    const bool known = static_cast<bool>(root[entry.name]);
    if (!known) root[entry.name] = YAML::Node(YAML::NodeType::Map);
    write_entry(root[entry.name], entry);
    TRY_VOID(save(file(), root));
    return known;
  } catch (const YAML::Exception& exception) {
    return tl::make_unexpected(unreadable(file(), exception));
  }
}

Result<bool> ModelList::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(YAML::Node root, load(file()));
  if (!root[name]) return false;
  root.remove(name);
  TRY_VOID(save(file(), root));
  return true;
}

std::vector<FoundModel> ModelList::search(const fs::path& folder) {
  std::vector<FoundModel> found;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error);
  for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    if (at.depth() > kDeepest) at.disable_recursion_pending();
    std::error_code ignored;
    if (is_checkpoint(at->path()) && at->is_regular_file(ignored))
      found.push_back({at->path().stem().string(), fs::absolute(at->path()).lexically_normal()});
  }
  std::ranges::sort(found, {}, &FoundModel::path);
  return found;
}

}  // namespace invokeai::server
