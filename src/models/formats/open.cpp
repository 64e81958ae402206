// Which format a file is in, told from its first bytes; and for files that are no model, what they
// are, since the usual reason is a download that brought something else.

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>

#include "models/formats/internal/bytes.h"
#include "models/formats/internal/wording.h"
#include "models/formats/pickle.h"
#include "models/formats/safetensors.h"
#include "models/formats/tensor_source.h"
#include "models/formats/torch_file.h"

namespace invokeai::models {
namespace {

constexpr const char* kOrigin = "model.open";
constexpr std::size_t kMaxIndexSize = 32 << 20;
constexpr std::size_t kMaxShards = 1000;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  const char* what;
};

using namespace std::string_view_literals;

/// Known formats that are not read here, and what to do instead.
constexpr auto kOtherFormats = std::to_array<Magic>({
    {0, "version https://git-lfs"sv,
     "a Git LFS pointer: the weights themselves were not downloaded; fetch them with 'git lfs "
     "pull' "
     "or download the file from the model's page"},
    {257, "ustar"sv,
     "a torch file from before 2019 (tar layout); save it again with a current torch"},
    {0, "GGUF"sv, "a GGUF file; get the model as .safetensors or .ckpt"},
    {0, "\x89HDF\r\n"sv, "an HDF5 (Keras) file; get the model as .safetensors or .ckpt"},
    {0, "\x93NUMPY"sv, "a NumPy array; get the model as .safetensors or .ckpt"},
    {0, "\x1F\x8B"sv, "packed with gzip; unpack it first"},
    {0, "7z\xBC\xAF\x27\x1C"sv, "packed with 7-Zip; unpack it first"},
    {0, "Rar!"sv, "packed with RAR; unpack it first"},
    {0, "PK\x05\x06"sv, "an empty zip archive"},
    {0, "\x89PNG"sv, "a PNG picture"},
    {0, "\xFF\xD8\xFF"sv, "a JPEG picture"},
    {0, "%PDF"sv, "a PDF document"},
});

bool is_text(std::string_view head) {
  return std::all_of(head.begin(), head.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
  });
}

bool starts_like_html(std::string_view head) {
  head.remove_prefix(std::min(head.find_first_not_of(" \t\r\n"), head.size()));
  std::string lower(head.substr(0, 14));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.starts_with("<!doctype") || lower.starts_with("<html") || lower.starts_with("<?xml");
}

/// A length that could be a header's, then the header's opening brace.
bool starts_like_safetensors(Bytes bytes) {
  const std::string_view head = as_text(bytes.first(std::min<std::size_t>(bytes.size(), 64)));
  if (head.size() < 9) return false;
  const std::size_t brace = head.find_first_not_of(' ', 8);
  return brace != std::string_view::npos && head[brace] == '{' && head[7] == '\0';
}

tl::unexpected<Error> not_a_model(const std::string& name, ErrorCode code, std::string_view what) {
  return fail(code, kOrigin, "{}: byte 0: not a model file but {}", name, what);
}

/// Looks whether bytes of no known format are a pickle that would run code in other programs.
Result<TensorSource> describe_unknown(Bytes bytes, const std::string& name) {
  const auto pickle = read_pickle(bytes, {name, 0});
  if (pickle)
    return fail(ErrorCode::bad_file, kOrigin,
                "{}: byte 0: a bare pickle, not written by torch.save, holds no weights", name);
  if (pickle.error().origin == "pickle.forbidden") return tl::make_unexpected(pickle.error());
  const std::string_view head = as_text(bytes.first(std::min<std::size_t>(bytes.size(), 512)));
  if (is_text(head))
    return not_a_model(name, ErrorCode::bad_file, "text: " + in_quotes(head.substr(0, 40)));
  if (head.starts_with('\x80')) return tl::make_unexpected(pickle.error());
  return fail(
      ErrorCode::bad_file, kOrigin,
      "{}: byte 0: neither .safetensors nor a torch file (.ckpt, .pt, .bin); it begins with {}",
      name, in_quotes(head.substr(0, 16)));
}

/// An index names a shard for each tensor: {"weight_map": {"tensor": "file in the same folder"}}.
Result<TensorSource> open_shards(const fs::path& path, const nlohmann::json& weight_map) {
  std::set<std::string> files;
  for (const auto& [tensor, file] : weight_map.items()) {
    const std::string shard = file.is_string() ? file.get<std::string>() : "";
    if (shard.empty() || fs::path(shard).filename() != shard || shard == "..")
      return fail(ErrorCode::bad_file, kOrigin,
                  "{}: tensor {} is in {}, not a file beside the index", path.string(),
                  in_quotes(tensor), in_quotes(shard));
    files.insert(shard);
  }
  if (files.size() > kMaxShards)
    return fail(ErrorCode::unsupported, kOrigin, "{}: names {} files, at most {}", path.string(),
                files.size(), kMaxShards);
  TensorSource whole;
  whole.name = path.string();
  for (const std::string& file : files) {
    const fs::path shard_path = path.parent_path() / file;
    if (shard_path.extension() == ".json")
      return fail(ErrorCode::bad_file, kOrigin, "{}: names another index, {}", path.string(),
                  in_quotes(file));
    TRY_ASSIGN(TensorSource shard, open_tensor_file(shard_path));
    for (const std::string& name : shard.order)
      if (weight_map.value(name, "") == file) whole.order.push_back(name);
    whole.tensors.merge(shard.tensors);
    whole.metadata.merge(shard.metadata);
  }
  for (const auto& [tensor, file] : weight_map.items())
    if (whole.find(tensor) == nullptr)
      return fail(ErrorCode::bad_file, kOrigin, "{}: tensor {} is not in {}", path.string(),
                  in_quotes(tensor), in_quotes(file.get<std::string>()));
  return whole;
}

/// Notes which tensors lie in the file itself, so that its pages can be given back after use.
Result<TensorSource> marked(Result<TensorSource> source, const std::shared_ptr<const MappedFile>& file) {
  if (source)
    for (auto& [name, view] : source->tensors)
      if (file->holds(view.data)) view.file = file;
  return source;
}

Result<TensorSource> open_json(const fs::path& path, Bytes bytes) {
  const std::string name = path.string();
  if (bytes.size() > kMaxIndexSize)
    return not_a_model(name, ErrorCode::bad_file, "a large JSON or text file");
  const auto json = nlohmann::json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object())
    return not_a_model(name, ErrorCode::bad_file,
                       "JSON text, perhaps a settings file or an error message of the server");
  return open_shards(path, json["weight_map"]);
}

}  // namespace

Result<TensorSource> open_tensor_file(const fs::path& path) {
  const std::string name = path.string();
  TRY_ASSIGN(const auto file, MappedFile::open(path));
  const Bytes bytes = file->bytes();
  const std::string_view text = as_text(bytes);
  if (text.empty()) return not_a_model(name, ErrorCode::bad_file, "empty; download it again");
  if (starts_like_safetensors(bytes)) return marked(read_safetensors(bytes, file, name), file);
  if (looks_like_torch_file(bytes)) return marked(read_torch_file(bytes, file, name), file);
  for (const Magic& magic : kOtherFormats)
    if (text.size() > magic.offset && text.substr(magic.offset).starts_with(magic.bytes))
      return not_a_model(name, ErrorCode::unsupported, magic.what);
  if (starts_like_html(text.substr(0, 512)))
    return not_a_model(name, ErrorCode::bad_file,
                       "a web page: the download needs a login, or the address was that of a page");
  if (text[0] == '{') return open_json(path, bytes);
  return describe_unknown(bytes, name);
}

}  // namespace invokeai::models
