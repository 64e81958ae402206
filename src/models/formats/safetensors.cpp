#include "models/formats/safetensors.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "models/formats/internal/atomic_writer.h"
#include "models/formats/internal/bytes.h"
#include "models/formats/internal/wording.h"

namespace invokeai::models {
namespace {

constexpr const char* kOrigin = "safetensors.read";
constexpr std::size_t kLengthBytes = 8;
constexpr int kMaxIgnoredDepth = 32;  ///< of values under header fields that this version ignores

/// Names in the header, in the reference's order of rising alignment.
constexpr std::array<std::pair<const char*, DType>, 15> kDTypeNames = {{
    {"BOOL", DType::boolean},
    {"U8", DType::u8},
    {"I8", DType::i8},
    {"F8_E5M2", DType::f8_e5m2},
    {"F8_E4M3", DType::f8_e4m3},
    {"I16", DType::i16},
    {"U16", DType::u16},
    {"F16", DType::f16},
    {"BF16", DType::bf16},
    {"I32", DType::i32},
    {"U32", DType::u32},
    {"F32", DType::f32},
    {"F64", DType::f64},
    {"I64", DType::i64},
    {"U64", DType::u64},
}};

std::size_t dtype_rank(DType dtype) {
  const auto found = std::find_if(kDTypeNames.begin(), kDTypeNames.end(),
                                  [&](const auto& row) { return row.second == dtype; });
  return static_cast<std::size_t>(found - kDTypeNames.begin());
}

struct Entry {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::vector<std::uint64_t> offsets;
};

/// Takes the header event by event: no document tree, so a hostile header costs no more than its
/// own size, and a name that comes twice is seen (a tree would silently keep one of them).
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
  std::string problem;         ///< why reading stopped; empty when all is well
  std::size_t problem_at = 0;  ///< byte in the header; 0 when only the name is known
  std::string problem_name;    ///< the tensor concerned, to find the place by

  bool null() override { return scalar("null"); }
  bool boolean(bool) override { return scalar("a truth value"); }
  bool number_integer(number_integer_t) override { return scalar("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return scalar("a number that is fractional or beyond 64 bits");
  }
  bool binary(binary_t&) override { return scalar("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape && value <= INT64_MAX) {
      if (entries.back().shape.size() == kMaxDimensions)
        return stop(fmt::format("has more than {} dimensions", kMaxDimensions));
      entries.back().shape.push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (place_ == Place::offsets) {
      if (entries.back().offsets.size() == 2) return stop("has more than two data_offsets");
      entries.back().offsets.push_back(value);
      return true;
    }
    return scalar("a number");
  }

  bool string(string_t& value) override {
    if (ignored_depth_ > 0) return true;
    if (place_ == Place::entry && field_ == "dtype") {
      entries.back().dtype = value;
      return true;
    }
    if (place_ == Place::metadata) {
      metadata[field_] = value;
      return true;
    }
    return scalar("a text");
  }

  bool start_object(std::size_t) override {
    if (ignored_depth_ > 0 || unknown_field()) return ignore_deeper();
    if (place_ == Place::outside) {
      place_ = Place::top;
    } else if (place_ == Place::top && name_ == "__metadata__") {
      place_ = Place::metadata;
    } else if (place_ == Place::top) {
      place_ = Place::entry;
      entries.push_back({name_, {}, {}, {}});
    } else {
      return scalar("an object");
    }
    fields_.clear();
    return true;
  }

  bool end_object() override {
    if (ignored_depth_ > 0) {
      --ignored_depth_;
      return true;
    }
    if (place_ == Place::entry)
      for (const char* needed : {"dtype", "shape", "data_offsets"})
        if (!fields_.contains(needed)) return stop(fmt::format("has no {}", needed));
    place_ = place_ == Place::top ? Place::outside : Place::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (ignored_depth_ > 0 || unknown_field()) return ignore_deeper();
    if (place_ == Place::entry && field_ == "shape") {
      place_ = Place::shape;
    } else if (place_ == Place::entry && field_ == "data_offsets") {
      place_ = Place::offsets;
    } else {
      return scalar("a list");
    }
    return true;
  }

  bool end_array() override {
    if (ignored_depth_ > 0)
      --ignored_depth_;
    else
      place_ = Place::entry;
    return true;
  }

  bool key(string_t& value) override {
    if (ignored_depth_ > 0) return true;
    if (place_ == Place::top) {
      name_ = value;
      if (!names_.insert(value).second) return stop("is there twice");
      return true;
    }
    field_ = value;
    if (!fields_.insert(value).second)
      return stop(fmt::format("has the field {} twice", in_quotes(value)));
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    if (!problem.empty()) return false;
    problem = "the header is not well-formed JSON in UTF-8";
    problem_at = position;
    return false;
  }

 private:
  enum class Place { outside, top, metadata, entry, shape, offsets };

  bool unknown_field() const {
    return place_ == Place::entry && field_ != "dtype" && field_ != "shape" &&
           field_ != "data_offsets";
  }

  bool ignore_deeper() {
    return ++ignored_depth_ <= kMaxIgnoredDepth || stop("is nested too deep");
  }

  /// A value that has no meaning where it stands, unless it stands where nothing is read.
  bool scalar(const char* what) {
    if (ignored_depth_ > 0 || unknown_field()) return true;
    switch (place_) {
      case Place::outside:
        return stop(fmt::format("is {} instead of an object", what));
      case Place::top:
        return stop(fmt::format("is described by {} instead of an object", what));
      case Place::metadata:
        return stop(fmt::format("has {} under {}, only text is allowed", what, in_quotes(field_)));
      case Place::entry:
        return stop(fmt::format("has {} as {}", what, field_));
      case Place::shape:
        return stop(fmt::format("has {} in its shape", what));
      case Place::offsets:
        return stop(fmt::format("has {} in its data_offsets", what));
    }
    return false;
  }

  bool stop(const std::string& why) {
    problem = place_ == Place::outside ? "the header " + why
                                       : fmt::format("tensor {} {}", in_quotes(name_), why);
    problem_name = name_;
    return false;
  }

  Place place_ = Place::outside;
  std::string name_;   ///< last key of the outermost object
  std::string field_;  ///< last key of the object inside it
  std::set<std::string> names_;
  std::set<std::string> fields_;
  int ignored_depth_ = 0;
};

/// Byte in the file of a tensor's entry: looked up only to tell where an error is.
std::size_t place_of(std::string_view header, const std::string& name) {
  const std::size_t at = header.find('"' + name + '"');
  return kLengthBytes + (at == std::string_view::npos ? 0 : at);
}

/// Turns header entries into views, after checking every claim against the data area.
class Layout {
 public:
  Layout(Bytes bytes, std::string_view header, std::shared_ptr<const void> owner,
         const std::string& name)
      : header_(header),
        data_(bytes.subspan(kLengthBytes + header.size())),
        data_at_(kLengthBytes + header.size()),
        owner_(std::move(owner)),
        name_(name) {}

  Result<TensorView> view_of(const Entry& entry) const {
    const auto known = std::find_if(kDTypeNames.begin(), kDTypeNames.end(),
                                    [&](const auto& row) { return entry.dtype == row.first; });
    if (known == kDTypeNames.end())
      return wrong(entry, ErrorCode::unsupported, "has the unknown element type {}",
                   in_quotes(entry.dtype));
    if (entry.offsets.size() != 2)
      return wrong(entry, ErrorCode::bad_file, "has {} data_offsets instead of two",
                   entry.offsets.size());
    const auto [begin, end] = std::pair(entry.offsets[0], entry.offsets[1]);
    if (begin > end || end > data_.size())
      return wrong(entry, ErrorCode::bad_file,
                   "claims data bytes {} to {}, the file has {}; download incomplete?", begin, end,
                   data_.size());
    const auto expected = byte_size(entry.shape, known->second);
    if (!expected || *expected != end - begin)
      return wrong(entry, ErrorCode::bad_file, "has shape [{}] of {}, which is not the {} bytes {}",
                   fmt::join(entry.shape, ","), entry.dtype, end - begin, "it claims");
    return TensorView{known->second, entry.shape, {}, data_.subspan(begin, end - begin), owner_};
  }

  /// `entries` sorted by offset must follow each other from the first data byte to the last.
  Result<> check_tiling(const std::vector<Entry>& entries) const {
    std::uint64_t reached = 0;
    const Entry* before = nullptr;
    for (const Entry& entry : entries) {
      if (entry.offsets[0] < reached)
        return wrong(entry, ErrorCode::bad_file, "overlaps tensor {} at data byte {}",
                     in_quotes(before->name), entry.offsets[0]);
      if (entry.offsets[0] > reached)
        return wrong(entry, ErrorCode::bad_file, "begins at data byte {}, leaving a hole from {}",
                     entry.offsets[0], reached);
      reached = entry.offsets[1];
      before = &entry;
    }
    if (reached != data_.size())
      return fail(ErrorCode::bad_file, kOrigin,
                  "{}: byte {}: {} bytes follow after the last tensor; the file is damaged", name_,
                  data_at_ + reached, data_.size() - reached);
    return {};
  }

 private:
  template <class... Args>
  tl::unexpected<Error> wrong(const Entry& entry, ErrorCode code,
                              fmt::format_string<Args...> format, Args&&... args) const {
    return fail(code, kOrigin, "{}: byte {}: tensor {} {}", name_, place_of(header_, entry.name),
                in_quotes(entry.name), fmt::format(format, std::forward<Args>(args)...));
  }

  std::string_view header_;
  Bytes data_;
  std::size_t data_at_;
  std::shared_ptr<const void> owner_;
  const std::string& name_;
};

Result<std::string_view> header_text(Bytes bytes, const std::string& name) {
  if (bytes.size() < kLengthBytes)
    return fail(ErrorCode::bad_file, kOrigin,
                "{}: byte 0: the file ends after {} bytes, inside the header length; download "
                "incomplete?",
                name, bytes.size());
  const auto length = little_endian<std::uint64_t>(bytes, 0);
  if (length > kMaxSafetensorsHeader)
    return fail(ErrorCode::bad_file, kOrigin,
                "{}: byte 0: header claims {} bytes, at most {} are accepted; is this a "
                "safetensors file?",
                name, length, kMaxSafetensorsHeader);
  if (length > bytes.size() - kLengthBytes)
    return fail(ErrorCode::bad_file, kOrigin,
                "{}: byte 0: header claims {} bytes, the file has {}; download incomplete?", name,
                length, bytes.size() - kLengthBytes);
  return as_text(bytes.subspan(kLengthBytes, length));
}

/// The header line of the file to be written, with offsets in the order of `sorted`.
Result<std::string> make_header(
    const std::vector<const std::pair<const std::string, TensorView>*>& sorted,
    const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const auto* item : sorted) {
    const auto& [name, view] = *item;
    const auto size = byte_size(view.shape, view.dtype);
    if (name == "__metadata__" || !size)
      return fail(ErrorCode::invalid_argument, "safetensors.write",
                  "cannot write a tensor named {} of shape [{}]", in_quotes(name),
                  fmt::join(view.shape, ","));
    header[name] = {{"dtype", kDTypeNames[dtype_rank(view.dtype)].first},
                    {"shape", view.shape},
                    {"data_offsets", {offset, offset + *size}}};
    offset += *size;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

Result<> write_tensor(AtomicWriter& file, const TensorView& view) {
  const std::size_t size = *byte_size(view.shape, view.dtype);
  if (view.contiguous()) return file.write(view.data.first(size));
  const auto dense = make_buffer(size);
  if (!dense)
    return fail(ErrorCode::out_of_memory, "safetensors.write",
                "no memory for {} bytes of one tensor", size);
  copy_contiguous(view, {dense.get(), size});
  return file.write(Bytes(dense.get(), size));
}

}  // namespace

Result<TensorSource> read_safetensors(std::span<const std::uint8_t> bytes,
                                      std::shared_ptr<const void> owner, const std::string& name) {
  TRY_ASSIGN(const std::string_view header, header_text(bytes, name));
  HeaderReader reader;
  if (!nlohmann::json::sax_parse(header, &reader)) {
    const std::size_t at = reader.problem_at > 0 ? kLengthBytes + reader.problem_at - 1
                                                 : place_of(header, reader.problem_name);
    return fail(ErrorCode::bad_file, kOrigin, "{}: byte {}: {}", name, at, reader.problem);
  }
  const Layout layout(bytes, header, std::move(owner), name);
  TensorSource source;
  source.name = name;
  source.metadata = std::move(reader.metadata);
  for (const Entry& entry : reader.entries) {
    TRY_ASSIGN(TensorView view, layout.view_of(entry));
    source.tensors.emplace(entry.name, std::move(view));
    source.order.push_back(entry.name);
  }
  std::stable_sort(reader.entries.begin(), reader.entries.end(),
                   [](const Entry& a, const Entry& b) { return a.offsets < b.offsets; });
  TRY_VOID(layout.check_tiling(reader.entries));
  return source;
}

Result<TensorSource> open_safetensors(const fs::path& path) {
  TRY_ASSIGN(const auto file, MappedFile::open(path));
  return read_safetensors(file->bytes(), file, path.string());
}

Result<> write_safetensors(const fs::path& path, const std::map<std::string, TensorView>& tensors,
                           const std::map<std::string, std::string>& metadata) {
  std::vector<const std::pair<const std::string, TensorView>*> sorted;
  for (const auto& item : tensors) sorted.push_back(&item);
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return dtype_rank(a->second.dtype) > dtype_rank(b->second.dtype);
  });
  for (const auto& [name, view] : tensors)
    if (!valid_utf8(name))
      return fail(ErrorCode::invalid_argument, "safetensors.write", "tensor name {} is not UTF-8",
                  in_quotes(name));
  for (const auto& [key, value] : metadata)
    if (!valid_utf8(key) || !valid_utf8(value))
      return fail(ErrorCode::invalid_argument, "safetensors.write", "metadata {} is not UTF-8",
                  in_quotes(key));
  TRY_ASSIGN(const std::string header, make_header(sorted, metadata));
  std::string length;
  append_little_endian(length, static_cast<std::uint64_t>(header.size()));
  TRY_ASSIGN(AtomicWriter file, AtomicWriter::open(path));
  TRY_VOID(file.write(length));
  TRY_VOID(file.write(header));
  for (const auto* item : sorted) TRY_VOID(write_tensor(file, item->second));
  return file.commit();
}

}  // namespace invokeai::models
