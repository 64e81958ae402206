// Writing the zip layout of torch.save.

#include <zlib.h>

#include <vector>

#include "models/formats/internal/atomic_writer.h"
#include "models/formats/internal/bytes.h"
#include "models/formats/internal/wording.h"
#include "models/formats/torch_file.h"

namespace invokeai::models {
namespace {

constexpr const char* kOrigin = "torch.write";
constexpr std::uint64_t kAlignment = 64;
constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kCentralSignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kZip64EndSignature = 0x06064b50;
constexpr std::uint32_t kZip64LocatorSignature = 0x07064b50;
constexpr std::uint32_t kInZip64Extra = 0xFFFFFFFF;
constexpr std::uint16_t kZip64Version = 45;
constexpr std::uint16_t kPaddingField = 0x4246;  ///< "FB", the id torch pads with
constexpr std::uint16_t kDosDate = 33;           ///< 1 January 1980: equal tensors give equal files
constexpr std::size_t kCrcInLocalHeader = 14;

template <class... Numbers>
std::string packed(Numbers... numbers) {
  std::string out;
  (append_little_endian(out, numbers), ...);
  return out;
}

/// All numbers of one width, whatever the literals are.
template <class Number>
std::string packed_as(std::initializer_list<Number> numbers) {
  std::string out;
  for (const Number number : numbers) append_little_endian(out, number);
  return out;
}

std::uint32_t capped(std::uint64_t number) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(number, kInZip64Extra));
}

/// Stored members one after the other, then the directory.
class ZipWriter {
 public:
  explicit ZipWriter(AtomicWriter file) : file_(std::move(file)) {}

  Result<> add(const std::string& name, Bytes content) {
    const std::uint64_t offset = file_.position();
    // The zip64 field stands in every local header: the place of the data then does not depend on
    // whether a size needs it.
    std::string extra = packed_as<std::uint16_t>({1, 16}) +
                        packed_as<std::uint64_t>({content.size(), content.size()});
    const std::uint64_t unpadded = offset + 30 + name.size() + extra.size() + 4;
    const auto padding =
        static_cast<std::uint16_t>((kAlignment - unpadded % kAlignment) % kAlignment);
    extra += packed(kPaddingField, padding) + std::string(padding, 'Z');
    const std::string header =
        packed(kLocalSignature) + packed_as<std::uint16_t>({kZip64Version, 0, 0, 0, kDosDate}) +
        packed_as<std::uint32_t>({0, kInZip64Extra, kInZip64Extra}) +
        packed(static_cast<std::uint16_t>(name.size()), static_cast<std::uint16_t>(extra.size()));
    TRY_VOID(file_.write(header));
    TRY_VOID(file_.write(name));
    TRY_VOID(file_.write(extra));
    TRY_VOID(file_.write(content));
    const auto crc = static_cast<std::uint32_t>(crc32_z(0, content.data(), content.size()));
    TRY_VOID(file_.patch(offset + kCrcInLocalHeader, packed(crc)));
    add_to_directory(name, content.size(), crc, offset);
    return {};
  }

  Result<> finish() {
    const std::uint64_t start = file_.position();
    const std::uint64_t size = directory_.size();
    TRY_VOID(file_.write(directory_));
    const std::uint64_t end = file_.position();
    TRY_VOID(
        file_.write(packed(kZip64EndSignature, std::uint64_t{44}, kZip64Version, kZip64Version,
                           std::uint32_t{0}, std::uint32_t{0}, entries_, entries_, size, start)));
    TRY_VOID(file_.write(packed(kZip64LocatorSignature, std::uint32_t{0}, end, std::uint32_t{1})));
    const auto count = static_cast<std::uint16_t>(std::min<std::uint64_t>(entries_, 0xFFFF));
    TRY_VOID(file_.write(packed(kEndSignature, std::uint32_t{0}, count, count, capped(size),
                                capped(start), std::uint16_t{0})));
    return file_.commit();
  }

 private:
  void add_to_directory(const std::string& name, std::uint64_t size, std::uint32_t crc,
                        std::uint64_t offset) {
    std::string numbers;
    if (size >= kInZip64Extra) numbers += packed(size, size);
    if (offset >= kInZip64Extra) numbers += packed(offset);
    const std::string extra =
        numbers.empty()
            ? ""
            : packed(std::uint16_t{1}, static_cast<std::uint16_t>(numbers.size())) + numbers;
    directory_ +=
        packed(kCentralSignature) +
        packed_as<std::uint16_t>({kZip64Version, kZip64Version, 0, 0, 0, kDosDate}) +
        packed_as<std::uint32_t>({crc, capped(size), capped(size)}) +
        packed(static_cast<std::uint16_t>(name.size()), static_cast<std::uint16_t>(extra.size())) +
        packed_as<std::uint16_t>({0, 0, 0}) + packed_as<std::uint32_t>({0, capped(offset)}) + name +
        extra;
    ++entries_;
  }

  AtomicWriter file_;
  std::string directory_;
  std::uint64_t entries_ = 0;
};

/// Names of the element types in a pickle. Those without a storage class of their own lie in
/// untyped storages, and the tensor says what they are.
struct TorchNames {
  const char* storage;
  const char* dtype;
};

TorchNames torch_names(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return {"DoubleStorage", nullptr};
    case DType::f32:
      return {"FloatStorage", nullptr};
    case DType::f16:
      return {"HalfStorage", nullptr};
    case DType::bf16:
      return {"BFloat16Storage", nullptr};
    case DType::i64:
      return {"LongStorage", nullptr};
    case DType::i32:
      return {"IntStorage", nullptr};
    case DType::i16:
      return {"ShortStorage", nullptr};
    case DType::i8:
      return {"CharStorage", nullptr};
    case DType::u8:
      return {"ByteStorage", nullptr};
    case DType::boolean:
      return {"BoolStorage", nullptr};
    case DType::f8_e4m3:
      return {nullptr, "float8_e4m3fn"};
    case DType::f8_e5m2:
      return {nullptr, "float8_e5m2"};
    case DType::u16:
      return {nullptr, "uint16"};
    case DType::u32:
      return {nullptr, "uint32"};
    case DType::u64:
      return {nullptr, "uint64"};
  }
  return {nullptr, nullptr};
}

/// Protocol 2, the few instructions that tensors need.
class PickleText {
 public:
  std::string out = "\x80\x02";

  void global(const char* module, const char* name) {
    out += fmt::format("c{}\n{}\n", module, name);
  }

  void text(const std::string& value) {
    out += 'X' + packed(static_cast<std::uint32_t>(value.size())) + value;
  }

  void integer(std::int64_t value) {
    if (value >= INT32_MIN && value <= INT32_MAX)
      out += 'J' + packed(static_cast<std::int32_t>(value));
    else
      out += "\x8A\x08" + packed(value);
  }

  void integers(const std::vector<std::int64_t>& values) {
    out += '(';
    for (const std::int64_t value : values) integer(value);
    out += 't';
  }

  /// _rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict()), or v3 with the dtype
  /// behind.
  void tensor(const TensorView& view, std::size_t key) {
    const TorchNames names = torch_names(view.dtype);
    global("torch._utils", names.storage != nullptr ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
    out += "((";
    text("storage");
    if (names.storage != nullptr)
      global("torch", names.storage);
    else
      global("torch.storage", "UntypedStorage");
    text(std::to_string(key));
    text("cpu");
    const std::size_t unit = names.storage != nullptr ? element_size(view.dtype) : 1;
    integer(static_cast<std::int64_t>(view.data.size() / unit));
    out += "tQ";
    integer(0);
    integers(view.shape);
    integers(strides_of(view));
    out += '\x89';
    global("collections", "OrderedDict");
    out += ")R";
    if (names.storage == nullptr) global("torch", names.dtype);
    out += "tR";
  }

 private:
  static std::vector<std::int64_t> strides_of(const TensorView& view) {
    if (!view.strides.empty()) return view.strides;
    std::vector<std::int64_t> strides(view.shape.size(), 1);
    for (std::size_t d = strides.size(); d-- > 1;)
      strides[d - 1] = strides[d] * std::max<std::int64_t>(view.shape[d], 1);
    return strides;
  }
};

std::string make_pickle(const std::map<std::string, TensorView>& tensors,
                        const TorchWriteOptions& options) {
  PickleText pickle;
  pickle.out += "}(";
  for (const auto& [name, number] : options.numbers) {
    pickle.text(name);
    pickle.integer(number);
  }
  if (options.nested) {
    pickle.text("state_dict");
    pickle.out += "}(";
  }
  std::size_t key = 0;
  for (const auto& [name, view] : tensors) {
    pickle.text(name);
    pickle.tensor(view, key++);
  }
  pickle.out += options.nested ? "uu." : "u.";
  return std::move(pickle.out);
}

Result<> check_names(const std::map<std::string, TensorView>& tensors,
                     const TorchWriteOptions& options) {
  for (const auto& [name, view] : tensors) {
    if (!valid_utf8(name))
      return fail(ErrorCode::invalid_argument, kOrigin, "tensor name {} is not UTF-8",
                  in_quotes(name));
    if (!options.nested && options.numbers.contains(name))
      return fail(ErrorCode::invalid_argument, kOrigin, "{} is both a tensor and a number",
                  in_quotes(name));
  }
  return {};
}

}  // namespace

Result<> write_torch_file(const fs::path& path, const std::map<std::string, TensorView>& tensors,
                          const TorchWriteOptions& options) {
  TRY_VOID(check_names(tensors, options));
  TRY_ASSIGN(AtomicWriter file, AtomicWriter::open(path));
  ZipWriter zip(std::move(file));
  TRY_VOID(zip.add("archive/data.pkl", as_bytes(make_pickle(tensors, options))));
  TRY_VOID(zip.add("archive/byteorder", as_bytes("little")));
  std::size_t key = 0;
  for (const auto& [name, view] : tensors)
    TRY_VOID(zip.add(fmt::format("archive/data/{}", key++), view.data));
  TRY_VOID(zip.add("archive/version", as_bytes("3\n")));
  return zip.finish();
}

}  // namespace invokeai::models
