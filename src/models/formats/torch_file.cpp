#include "models/formats/torch_file.h"

#include <algorithm>
#include <functional>
#include <map>

#include "models/formats/internal/bytes.h"
#include "models/formats/internal/state_dict.h"
#include "models/formats/internal/wording.h"
#include "models/formats/pickle.h"
#include "models/formats/zip.h"

namespace invokeai::models {
namespace {

constexpr const char* kOrigin = "torch.read";
constexpr std::string_view kZipMagic = "PK\x03\x04";
/// 0x1950a86a20f9469cfc6c, little-endian: the first pickle of the older layout.
constexpr std::string_view kLegacyMagic = "\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19";
constexpr std::int64_t kLegacyProtocol = 1001;
constexpr std::uint64_t kMaxDataPickle = 256 << 20;

/// Elements in the other byte order, in a new buffer.
Result<OwnedBytes> swapped(Bytes bytes, std::size_t element, const std::string& name) {
  const auto buffer = make_buffer(bytes.size());
  if (!buffer)
    return fail(ErrorCode::out_of_memory, kOrigin, "{}: no memory to swap {} bytes", name,
                bytes.size());
  for (std::size_t at = 0; at + element <= bytes.size(); at += element)
    std::reverse_copy(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                      bytes.begin() + static_cast<std::ptrdiff_t>(at + element), buffer.get() + at);
  return OwnedBytes{{buffer.get(), bytes.size()}, buffer};
}

/// Storages by key, read once each and brought into this machine's byte order.
class StorageCache {
 public:
  using Loader = std::function<Result<OwnedBytes>(const PickleStorage&)>;
  StorageCache(Loader load, bool big_endian, const std::string& name)
      : load_(std::move(load)), big_endian_(big_endian), name_(name) {}

  Result<OwnedBytes> operator()(const PickleStorage& storage) {
    auto found = loaded_.find(storage.key);
    if (found == loaded_.end()) {
      TRY_ASSIGN(OwnedBytes bytes, load_(storage));
      if (big_endian_) {
        if (!storage.dtype)
          return fail(ErrorCode::unsupported, kOrigin, "{}: storage {} is big-endian and untyped",
                      name_, in_quotes(storage.key));
        TRY_ASSIGN(bytes, swapped(bytes.bytes, storage.element_bytes, name_));
      }
      found = loaded_.emplace(storage.key, std::move(bytes)).first;
    }
    OwnedBytes bytes = found->second;
    const auto skipped = static_cast<std::size_t>(storage.view_offset) * storage.element_bytes;
    const auto wanted = static_cast<std::size_t>(storage.count) * storage.element_bytes;
    if (skipped > bytes.bytes.size() || wanted > bytes.bytes.size() - skipped)
      return fail(ErrorCode::bad_file, kOrigin, "{}: storage {} should have {} bytes, it has {}",
                  name_, in_quotes(storage.key), skipped + wanted, bytes.bytes.size());
    bytes.bytes = bytes.bytes.subspan(skipped, wanted);
    return bytes;
  }

 private:
  Loader load_;
  bool big_endian_;
  const std::string& name_;
  std::map<std::string, OwnedBytes> loaded_;
};

// ---- zip layout

/// The one folder all members lie in, with its slash.
Result<std::string> top_folder(const ZipArchive& archive, const std::string& name) {
  for (const ZipMember& member : archive.members()) {
    const std::size_t slash = member.name.find('/');
    if (slash == std::string::npos || member.name.substr(slash + 1) != "data.pkl") continue;
    const std::string folder = member.name.substr(0, slash + 1);
    if (archive.find(folder + "constants.pkl") != nullptr)
      return fail(ErrorCode::unsupported, kOrigin,
                  "{}: a TorchScript program, not a file of weights; get the plain checkpoint",
                  name);
    return folder;
  }
  return fail(
      ErrorCode::bad_file, kOrigin,
      "{}: byte 0: a zip archive without FOLDER/data.pkl, so not a torch file; if a model is "
      "packed in it, unpack it first",
      name);
}

Result<bool> zip_is_big_endian(ZipArchive& archive, const std::string& folder,
                               const std::string& name) {
  const ZipMember* member = archive.find(folder + "byteorder");
  if (member == nullptr) return false;
  TRY_ASSIGN(const ZipContent order, archive.read(*member, ZipArchive::Check::none));
  if (as_text(order.bytes) == "big") return true;
  if (as_text(order.bytes) == "little") return false;
  return fail(ErrorCode::bad_file, kOrigin,
              "{}: byte {}: byteorder is {}, known are little and big", name, order.file_offset,
              in_quotes(as_text(order.bytes)));
}

Result<TensorSource> read_zip_layout(Bytes bytes, std::shared_ptr<const void> owner,
                                     const std::string& name) {
  TRY_ASSIGN(ZipArchive archive, ZipArchive::open(bytes, std::move(owner), name));
  TRY_ASSIGN(const std::string folder, top_folder(archive, name));
  const ZipMember* member = archive.find(folder + "data.pkl");
  if (member->size > kMaxDataPickle)
    return fail(ErrorCode::unsupported, kOrigin, "{}: byte {}: data.pkl has {} bytes, at most {}",
                name, member->header_offset, member->size, kMaxDataPickle);
  TRY_ASSIGN(const ZipContent pickle, archive.read(*member, ZipArchive::Check::crc));
  const bool in_place = member->size == member->stored_size;
  const PickleOrigin origin{in_place ? name : name + " (data.pkl, inflated)",
                            in_place ? static_cast<std::size_t>(pickle.file_offset) : 0};
  TRY_ASSIGN(const PickleDocument document, read_pickle(pickle.bytes, origin));
  TRY_ASSIGN(const bool big_endian, zip_is_big_endian(archive, folder, name));
  const auto load = [&](const PickleStorage& storage) -> Result<OwnedBytes> {
    const ZipMember* data = archive.find(folder + "data/" + storage.key);
    if (data == nullptr)
      return fail(ErrorCode::bad_file, kOrigin, "{}: storage {} is not in the archive", name,
                  in_quotes(storage.key));
    TRY_ASSIGN(ZipContent content, archive.read(*data, ZipArchive::Check::none));
    return OwnedBytes{content.bytes, std::move(content.owner)};
  };
  return source_from_pickle(document, StorageCache(load, big_endian, name), name);
}

// ---- older layout

/// Reads consecutive pickles, then the storages behind them.
class LegacyReader {
 public:
  LegacyReader(Bytes bytes, std::shared_ptr<const void> owner, const std::string& name)
      : bytes_(bytes), owner_(std::move(owner)), name_(name) {}

  Result<TensorSource> run() {
    TRY_ASSIGN(const PickleDocument magic, next_pickle());
    const PickleValue& number = magic.at(magic.root);
    if (number.kind != PickleKind::big_integer || number.text != kLegacyMagic)
      return fail(ErrorCode::bad_file, kOrigin,
                  "{}: byte 0: a bare pickle, not written by torch.save, holds no weights", name_);
    TRY_ASSIGN(const PickleDocument version, next_pickle());
    if (version.at(version.root).kind != PickleKind::integer ||
        version.at(version.root).integer != kLegacyProtocol)
      return wrong("the layout is not version {}", kLegacyProtocol);
    TRY_ASSIGN(const PickleDocument system, next_pickle());
    const PickleValue* little = system.find(system.at(system.root), "little_endian");
    const bool big_endian = little != nullptr && little->integer == 0;
    TRY_ASSIGN(const PickleDocument document, next_pickle());
    TRY_ASSIGN(const PickleDocument keys, next_pickle());
    TRY_VOID(find_storages(document, keys, big_endian));
    const auto load = [&](const PickleStorage& storage) -> Result<OwnedBytes> {
      const auto found = storages_.find(storage.key);
      if (found == storages_.end()) return wrong("storage {} is missing", in_quotes(storage.key));
      return OwnedBytes{found->second, owner_};
    };
    return source_from_pickle(document, StorageCache(load, big_endian, name_), name_);
  }

 private:
  template <class... Args>
  tl::unexpected<Error> wrong(fmt::format_string<Args...> format, Args&&... args) const {
    return fail(ErrorCode::bad_file, kOrigin, "{}: byte {}: {}", name_, position_,
                fmt::format(format, std::forward<Args>(args)...));
  }

  Result<PickleDocument> next_pickle() {
    auto document = read_pickle(bytes_.subspan(position_), {name_, position_});
    if (document) position_ += document->end;
    return document;
  }

  /// After the key list: for each key an element count of 8 bytes and the elements.
  Result<> find_storages(const PickleDocument& document, const PickleDocument& keys,
                         bool big_endian) {
    std::map<std::string, std::size_t> element_bytes;
    for (const PickleStorage& storage : document.storages) {
      const auto [known, is_new] = element_bytes.emplace(storage.key, storage.element_bytes);
      if (!is_new && known->second != storage.element_bytes)
        return wrong("storage {} has two element types", in_quotes(storage.key));
    }
    const PickleValue& list = keys.at(keys.root);
    if (list.kind != PickleKind::list) return wrong("the storage keys are not a list");
    for (const PickleId id : list.items) {
      const std::string& key = keys.at(id).text;
      const auto known = element_bytes.find(key);
      if (known == element_bytes.end()) return wrong("storage {} is used nowhere", in_quotes(key));
      Bytes rest = bytes_.subspan(position_);
      if (rest.size() < 8)
        return wrong("storage {} is cut off; download incomplete?", in_quotes(key));
      auto count = little_endian<std::uint64_t>(rest, 0);
      if (big_endian) count = __builtin_bswap64(count);
      rest = rest.subspan(8);
      if (count > rest.size() / known->second)
        return wrong(
            "storage {} claims {} elements of {} bytes, {} bytes are left; download "
            "incomplete?",
            in_quotes(key), count, known->second, rest.size());
      if (!storages_.emplace(key, rest.first(count * known->second)).second)
        return wrong("storage {} is there twice", in_quotes(key));
      position_ += 8 + count * known->second;
    }
    return {};
  }

  Bytes bytes_;
  std::shared_ptr<const void> owner_;
  const std::string& name_;
  std::size_t position_ = 0;
  std::map<std::string, Bytes> storages_;
};

}  // namespace

bool looks_like_torch_file(std::span<const std::uint8_t> bytes) {
  const std::string_view head = as_text(bytes.first(std::min<std::size_t>(bytes.size(), 64)));
  return head.starts_with(kZipMagic) ||
         (head.starts_with('\x80') && head.find(kLegacyMagic) != std::string_view::npos);
}

Result<TensorSource> read_torch_file(std::span<const std::uint8_t> bytes,
                                     std::shared_ptr<const void> owner, const std::string& name) {
  if (as_text(bytes).starts_with(kZipMagic)) return read_zip_layout(bytes, std::move(owner), name);
  return LegacyReader(bytes, std::move(owner), name).run();
}

}  // namespace invokeai::models
