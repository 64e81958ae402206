#include "text/internal/tokenizer_files.h"

#include <zlib.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <unordered_map>

#include "base/file.h"
#include "text/clip_tokenizer.h"
#include "text/internal/clip_vocabulary.h"

namespace invokeai::text {
namespace {

using Json = nlohmann::json;
using Vocabulary = std::unordered_map<std::string, int>;

constexpr std::size_t kLargestFile = std::size_t{64} << 20;
constexpr int kLargestId = 1 << 24;
constexpr std::size_t kClipMerges = 49152 - 256 - 2;  // longer lists are cut, as the reference does

template <class... Args>
auto bad(const fs::path& file, fmt::format_string<Args...> format, Args&&... args) {
  return fail(ErrorCode::bad_file, "tokenizer.read", "{}: {}", file.string(),
              fmt::format(format, std::forward<Args>(args)...));
}

Result<Json> read_object(const fs::path& file) {
  TRY_ASSIGN(const std::string text, read_file(file, kLargestFile));
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return bad(file, "should hold a JSON object; is the download complete?");
  return json;
}

/// An absent file counts as an empty object.
Result<Json> read_optional(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return Json::object();
  return read_object(file);
}

Result<int> id_of(const Json& value, const fs::path& file, const std::string& token) {
  if (!value.is_number_integer() || value < 0 || value >= kLargestId)
    return bad(file, "token \"{}\" should have an id from 0 to {}", token, kLargestId - 1);
  return value.get<int>();
}

Result<Vocabulary> read_vocabulary(const Json& json, const fs::path& file) {
  Vocabulary vocabulary;
  if (!json.is_object() || json.empty()) return bad(file, "should map tokens to ids");
  for (const auto& [token, value] : json.items()) {
    TRY_ASSIGN(const int id, id_of(value, file, token));
    vocabulary.emplace(token, id);
  }
  return vocabulary;
}

/// tokenizer.json lists merges as "a b" (older) or ["a", "b"].
Result<std::vector<Merge>> read_merge_list(const Json& list, const fs::path& file) {
  std::vector<Merge> merges;
  if (!list.is_array()) return bad(file, "model.merges should be a list");
  for (const Json& item : list) {
    if (item.is_array() && item.size() == 2 && item[0].is_string() && item[1].is_string()) {
      merges.emplace_back(item[0], item[1]);
      continue;
    }
    const std::string text = item.is_string() ? item.get<std::string>() : "";
    const std::size_t blank = text.find(' ');
    if (blank == std::string::npos) return bad(file, "merge {} is not a pair", merges.size());
    merges.emplace_back(text.substr(0, blank), text.substr(blank + 1));
  }
  return merges;
}

/// A special token is written as its text or as an object with "content".
void take_text(const Json& settings, const char* key, std::string& text) {
  const auto found = settings.find(key);
  if (found == settings.end()) return;
  if (found->is_string()) text = *found;
  if (found->is_object() && found->contains("content") && (*found)["content"].is_string())
    text = (*found)["content"];
}

Result<TokenizerFiles::Added> read_added(const Json& entry, const Json& id, const fs::path& file) {
  TokenizerFiles::Added added;
  take_text(Json{{"token", entry}}, "token", added.text);
  if (added.text.empty()) return bad(file, "an added token has no text");
  TRY_ASSIGN(added.id, id_of(id, file, added.text));
  const auto single = entry.find("single_word");
  added.whole_word = single != entry.end() && single->is_boolean() && *single;
  return added;
}

Result<> read_added_tokens(const Json& settings, const Json& tokenizer, const Json& map,
                           const fs::path& folder, std::vector<TokenizerFiles::Added>& added) {
  const auto take = [&](const Json& entry, const Json& id, const char* name) -> Result<> {
    TRY_ASSIGN(auto token, read_added(entry, id, folder / name));
    added.push_back(std::move(token));
    return {};
  };
  const Json decoder = settings.value("added_tokens_decoder", Json::object());
  for (const auto& [id, entry] : decoder.items())
    TRY_VOID(take(entry, Json::parse(id, nullptr, false), "tokenizer_config.json"));
  for (const Json& entry : tokenizer.value("added_tokens", Json::array()))
    TRY_VOID(take(entry, entry.is_object() ? entry.value("id", Json()) : Json(), "tokenizer.json"));
  for (const auto& [token, id] : map.items()) TRY_VOID(take(token, id, "added_tokens.json"));
  return {};
}

struct Model {
  Vocabulary vocabulary;
  std::vector<Merge> merges;
};

Result<Model> read_model(const fs::path& folder, const Json& tokenizer) {
  Model model;
  if (tokenizer.empty()) {
    TRY_ASSIGN(const Json json, read_object(folder / "vocab.json"));
    TRY_ASSIGN(model.vocabulary, read_vocabulary(json, folder / "vocab.json"));
    TRY_ASSIGN(const std::string text, read_file(folder / "merges.txt", kLargestFile));
    TRY_ASSIGN(model.merges, parse_merges(text, kClipMerges, (folder / "merges.txt").string()));
    return model;
  }
  const fs::path file = folder / "tokenizer.json";
  const auto found = tokenizer.find("model");
  if (found == tokenizer.end() || !found->is_object())
    return bad(file, "has no \"model\" with vocabulary and merges");
  TRY_ASSIGN(model.vocabulary, read_vocabulary(found->value("vocab", Json()), file));
  TRY_ASSIGN(model.merges, read_merge_list(found->value("merges", Json()), file));
  return model;
}

Result<std::string> gunzip(std::span<const std::uint8_t> packed) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
    return fail(ErrorCode::out_of_memory, "tokenizer.builtin", "zlib could not be started");
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  int status = Z_OK;
  while (status == Z_OK) {
    const std::size_t done = text.size();
    text.resize(done + (std::size_t{1} << 20));
    stream.next_out = reinterpret_cast<Bytef*>(text.data() + done);
    stream.avail_out = static_cast<uInt>(text.size() - done);
    status = inflate(&stream, Z_NO_FLUSH);
    text.resize(text.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END)
    return fail(ErrorCode::bad_file, "tokenizer.builtin",
                "the vocabulary inside this program is damaged; build it again");
  return text;
}

Result<std::shared_ptr<const BytePairs>> make_builtin_vocabulary() {
  TRY_ASSIGN(const auto merges, builtin_merges());
  Vocabulary ids;
  for (const std::string& token : clip_vocabulary(merges))
    ids.emplace(token, static_cast<int>(ids.size()));
  const int unknown = ids.at("<|endoftext|>");
  return std::make_shared<const BytePairs>(merges, std::move(ids), unknown);
}

}  // namespace

Result<std::vector<Merge>> builtin_merges() {
  TRY_ASSIGN(const std::string text, gunzip(clip_vocabulary_gz()));
  return parse_merges(text, kClipMerges, "built-in vocabulary");
}

Result<TokenizerFiles> read_tokenizer_folder(const fs::path& folder) {
  std::error_code ignored;
  Json tokenizer = Json::object();
  if (!fs::exists(folder / "vocab.json", ignored)) {
    if (!fs::exists(folder / "tokenizer.json", ignored))
      return fail(ErrorCode::not_found, "tokenizer.read",
                  "{} holds neither vocab.json nor tokenizer.json; is it a tokenizer's folder?",
                  folder.string());
    TRY_ASSIGN(tokenizer, read_object(folder / "tokenizer.json"));
  }
  TRY_ASSIGN(const Json config, read_optional(folder / "tokenizer_config.json"));
  TRY_ASSIGN(const Json special, read_optional(folder / "special_tokens_map.json"));
  TRY_ASSIGN(const Json added, read_optional(folder / "added_tokens.json"));
  TRY_ASSIGN(Model model, read_model(folder, tokenizer));

  TokenizerFiles files;
  files.origin = folder.string();
  std::string unknown = files.eos;
  for (const Json* settings : {&config, &special}) {
    take_text(*settings, "bos_token", files.bos);
    take_text(*settings, "eos_token", files.eos);
    take_text(*settings, "pad_token", files.pad);
    take_text(*settings, "unk_token", unknown);
  }
  // transformers writes an astronomically large number for "no limit"; such folders mean 77 too.
  const auto length = config.find("model_max_length");
  if (length != config.end() && length->is_number_integer() && *length >= 3 && *length <= 65536)
    files.max_length = *length;
  TRY_VOID(read_added_tokens(config, tokenizer, added, folder, files.added));

  const auto unknown_id = model.vocabulary.find(unknown);
  const int fallback = unknown_id == model.vocabulary.end() ? 0 : unknown_id->second;
  files.vocabulary =
      std::make_shared<const BytePairs>(model.merges, std::move(model.vocabulary), fallback);
  return files;
}

Result<TokenizerFiles> builtin_tokenizer_files(const std::string& pad) {
  static const Result<std::shared_ptr<const BytePairs>> vocabulary = make_builtin_vocabulary();
  if (!vocabulary) return tl::make_unexpected(vocabulary.error());
  TokenizerFiles files;
  files.origin = "built-in vocabulary";
  files.vocabulary = *vocabulary;
  files.pad = pad;
  return files;
}

}  // namespace invokeai::text
