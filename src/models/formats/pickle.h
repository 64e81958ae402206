#pragma once
// Python pickles read as data. A pickle is a program for a small stack machine, and a general
// reader lets it import and call anything; this one knows a short list of names that stand for
// tensors and containers, makes inert values of harmless objects, and refuses the rest. Nothing is
// ever run.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/formats/tensor_source.h"

namespace invokeai::models {

enum class PickleKind : std::uint8_t {
  none,
  boolean,
  integer,
  big_integer,  ///< beyond 64 bits; text holds it, little-endian two's complement
  real,
  text,   ///< valid UTF-8
  bytes,  ///< also a Python 2 string that is not UTF-8
  tuple,
  list,
  dict,
  set,
  global,  ///< a name that was imported and not called, such as torch.float16
  opaque,  ///< an object of some class; nothing of it is known but its name and state
  storage,
  tensor,
};

/// Values refer to each other by number, so that a list holding itself is no problem.
using PickleId = std::uint32_t;
constexpr PickleId kNoPickleValue = UINT32_MAX;

struct PickleValue {
  PickleKind kind = PickleKind::none;
  PickleId state = kNoPickleValue;  ///< opaque: what BUILD gave it, usually a dict of attributes
  std::int64_t integer = 0;         ///< boolean, integer; storage, tensor: index into the document
  double real = 0;
  std::string text = {};  ///< text, bytes, big_integer; global, opaque: "module.name"
  std::vector<PickleId> items =
      {};  ///< tuple, list, set: members; dict: key, value, key, value, ...
};

/// A run of elements kept outside the pickle, under `key`.
struct PickleStorage {
  std::string type;            ///< class name, e.g. "torch.HalfStorage"
  std::optional<DType> dtype;  ///< nothing for untyped bytes and for complex numbers
  std::string key;
  std::int64_t count = 0;         ///< elements; bytes when untyped
  std::size_t element_bytes = 1;  ///< 1 when untyped
  std::int64_t view_offset = 0;   ///< elements; only very old files have storages within storages
};

/// A view on a storage. Checked: sizes and strides are not negative, every element lies inside the
/// storage, and a view that repeats elements is not absurdly larger than what it repeats.
struct PickleTensor {
  std::size_t storage = 0;     ///< index into PickleDocument::storages
  std::optional<DType> dtype;  ///< nothing for element types no model uses (complex numbers)
  std::int64_t offset = 0;     ///< in elements of dtype
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  ///< in elements
};

/// One pickle, read.
struct PickleDocument {
  std::vector<PickleValue> values;
  std::vector<PickleStorage> storages;
  std::vector<PickleTensor> tensors;
  PickleId root = 0;
  std::size_t end = 0;  ///< bytes consumed, behind the STOP
  std::vector<std::string>
      unknown_objects;  ///< classes that are neither known nor on a list, once each

  const PickleValue& at(PickleId id) const { return values[id]; }
  /// Value of a text key in a dict, the last one if it comes several times; null when absent.
  const PickleValue* find(const PickleValue& dict, std::string_view key) const;
};

/// What error messages call the bytes: file name, and where the pickle begins in it.
struct PickleOrigin {
  std::string name;
  std::size_t base = 0;
};

/// Reads one pickle of protocol 0 to 5 from the front of `bytes`; more may follow it.
/// Time and memory are proportional to the size of the pickle, whatever it claims.
/// Errors: bad_file, unsupported; origin "pickle.forbidden" when the pickle names a function that
/// runs code, or calls one that is not known.
Result<PickleDocument> read_pickle(std::span<const std::uint8_t> bytes, const PickleOrigin& origin);

}  // namespace invokeai::models
