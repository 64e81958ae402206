// Opcodes that name, make and fill objects. This is where a general reader would import and call;
// here a name only selects one of a few ways to read data, or none.

#include <algorithm>

#include "models/formats/internal/pickle_machine.h"
#include "models/formats/internal/wording.h"

namespace invokeai::models {
namespace {

constexpr std::size_t kMaxGlobalName = 512;
constexpr std::size_t kMaxUnknownObjects = 100;
/// Elements that a view may repeat (stride 0) although its storage has fewer: 64 MB of f32.
constexpr std::int64_t kMaxRepeatedElements = 1 << 24;

/// Characters up to U+00FF as one byte each, or nothing when there is another.
std::optional<std::string> as_latin1(std::string_view utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto lead = static_cast<std::uint8_t>(utf8[i]);
    if (lead < 0x80) {
      out += utf8[i];
    } else if (lead <= 0xC3) {  // two bytes, well-formed as every text value is
      out += static_cast<char>((lead & 0x03) << 6 | (static_cast<std::uint8_t>(utf8[++i]) & 0x3F));
    } else {
      return {};
    }
  }
  return out;
}

}  // namespace

bool PickleMachine::forbidden(std::string_view name) {
  return stop(
      ErrorCode::bad_file, "pickle.forbidden",
      "forbidden global {}: this file tries to run code when opened; refused. Get the model "
      "as .safetensors or from another source",
      in_quotes(name));
}

// ---- names

bool PickleMachine::global(std::string_view module, std::string_view name) {
  if (module.size() + name.size() > kMaxGlobalName || !valid_utf8(module) || !valid_utf8(name))
    return bad("a global has a name of {} bytes or one that is not text",
               module.size() + name.size());
  std::string full_name = global_name(module, name);
  const GlobalMeaning meaning = meaning_of(full_name);
  if (meaning == GlobalMeaning::dangerous) return forbidden(full_name);
  return push({.kind = PickleKind::global,
               .integer = static_cast<std::int64_t>(meaning),
               .text = std::move(full_name)});
}

bool PickleMachine::global_from_lines() {
  std::string_view module, name;
  return take_line(module) && take_line(name) && global(module, name);
}

bool PickleMachine::global_from_stack() {
  PickleId name, module;
  if (!pop(name) || !pop(module)) return false;
  if (value(name).kind != PickleKind::text || value(module).kind != PickleKind::text)
    return bad("STACK_GLOBAL needs two texts");
  return global(value(module).text, value(name).text);
}

/// INST, long out of use, names and calls in one; read only to say what it wanted.
bool PickleMachine::instance_opcode() {
  std::string_view module, name;
  if (!take_line(module) || !take_line(name)) return false;
  const std::string full_name = global_name(module, name);
  const GlobalMeaning meaning = meaning_of(full_name);
  if (meaning == GlobalMeaning::dangerous || meaning == GlobalMeaning::unknown)
    return forbidden(full_name);
  return unsupported("instruction INST of {}, not one that model files use; refused",
                     in_quotes(full_name));
}

// ---- storages

bool PickleMachine::persistent_id() {
  PickleId id;
  if (!pop(id)) return false;
  if (value(id).kind != PickleKind::tuple || value(id).items.size() < 2)
    return bad("a persistent id is not a tuple");
  const Ids parts = value(id).items;
  const std::string& what = value(parts[0]).text;
  if (what == "storage") return storage_from(parts);
  // ("module", class, source file, source text): only the class matters.
  if (what == "module" && value(parts[1]).kind == PickleKind::global) return push_id(parts[1]);
  return bad("a persistent id of kind {}, known are 'storage' and 'module'", in_quotes(what));
}

/// ("storage", class, key, location, count[, None or (view key, offset, count)])
bool PickleMachine::storage_from(const Ids& parts) {
  if (parts.size() < 5 || parts.size() > 6 || value(parts[1]).kind != PickleKind::global ||
      value(parts[2]).kind != PickleKind::text)
    return bad("a storage is not described by class, key, location and count");
  const auto cls = storage_class_of(value(parts[1]).text);
  if (!cls)
    return unsupported("storage class {} is not one that models use",
                       in_quotes(value(parts[1]).text));
  PickleStorage storage{value(parts[1]).text,           cls->dtype,         value(parts[2]).text,
                        integer(parts[4]).value_or(-1), cls->element_bytes, 0};
  if (storage.count < 0 ||
      !checked_multiply(storage.count, static_cast<std::int64_t>(storage.element_bytes)))
    return bad("storage {} has an impossible number of elements", in_quotes(storage.key));
  if (parts.size() == 6 && value(parts[5]).kind != PickleKind::none) {
    const PickleValue& view = value(parts[5]);
    const bool shaped = view.kind == PickleKind::tuple && view.items.size() == 3;
    const auto offset = shaped ? integer(view.items[1]) : std::nullopt;
    const auto count = shaped ? integer(view.items[2]) : std::nullopt;
    if (!offset || !count || *offset < 0 || *count < 0 || *offset > storage.count ||
        *count > storage.count - *offset)
      return bad("storage {} has a view beyond its end", in_quotes(storage.key));
    storage.view_offset = *offset;
    storage.count = *count;
  }
  document_.storages.push_back(std::move(storage));
  return push({.kind = PickleKind::storage,
               .integer = static_cast<std::int64_t>(document_.storages.size() - 1)});
}

// ---- calls

bool PickleMachine::reduce() {
  PickleId arguments, callee;
  if (!pop(arguments) || !pop(callee)) return false;
  if (value(arguments).kind != PickleKind::tuple) return bad("a call has no argument tuple");
  if (value(callee).kind != PickleKind::global) return bad("a call of something that has no name");
  const std::string name = value(callee).text;
  const Ids items = value(arguments).items;
  if (!charge(items.size() * sizeof(PickleId))) return false;
  return call(static_cast<GlobalMeaning>(value(callee).integer), name, items);
}

bool PickleMachine::call(GlobalMeaning meaning, const std::string& name, const Ids& arguments) {
  switch (meaning) {
    case GlobalMeaning::rebuild_tensor:
    case GlobalMeaning::rebuild_tensor_v2:
    case GlobalMeaning::rebuild_tensor_v3:
      return rebuild_tensor(meaning, arguments);
    case GlobalMeaning::rebuild_from_type:
      return rebuild_from_type(arguments);
    case GlobalMeaning::parameter:
      return parameter_from(arguments);
    case GlobalMeaning::ordered_dict:
      return dict_from(arguments);
    case GlobalMeaning::tuple_of:
      return sequence_from(PickleKind::tuple, arguments);
    case GlobalMeaning::set_of:
      return sequence_from(PickleKind::set, arguments);
    case GlobalMeaning::encode:
      return encoded_bytes(arguments);
    case GlobalMeaning::number:
      return arguments.size() == 1 ? push_id(arguments[0]) : push_integer(0);
    case GlobalMeaning::new_object:
      return arguments.empty()
                 ? bad("{} without a class", name)
                 : instance_of(arguments[0], {arguments.begin() + 1, arguments.end()});
    case GlobalMeaning::harmless:
      return opaque(name, true);
    case GlobalMeaning::nested_stream:
      return unsupported(
          "{} holds a whole file inside a value; save the model again with a current "
          "torch, or as .safetensors",
          name);
    case GlobalMeaning::storage_type:
    case GlobalMeaning::dtype:
      return bad("{} cannot be called", name);
    case GlobalMeaning::unknown:
      if (name.starts_with("torch._utils._rebuild_"))
        return unsupported(
            "{} makes a kind of tensor (sparse, quantised, ...) that models do not use", name);
      return forbidden(name);
    case GlobalMeaning::dangerous:
      return forbidden(name);
  }
  return forbidden(name);
}

bool PickleMachine::opaque(const std::string& name, bool known) {
  auto& unknown = document_.unknown_objects;
  if (!known && unknown.size() < kMaxUnknownObjects &&
      std::find(unknown.begin(), unknown.end(), name) == unknown.end())
    unknown.push_back(name);
  return charge(name.size()) && push({.kind = PickleKind::opaque, .text = name});
}

bool PickleMachine::new_object(bool with_keywords) {
  PickleId keywords, arguments, cls;
  if (with_keywords && !pop(keywords)) return false;
  if (!pop(arguments) || !pop(cls)) return false;
  if (value(arguments).kind != PickleKind::tuple) return bad("an object has no argument tuple");
  const Ids items = value(arguments).items;
  return charge(items.size() * sizeof(PickleId)) && instance_of(cls, items);
}

/// An empty object of a class. Unlike a call, this runs nothing but allocation in Python either, so
/// classes that are on no list are let through as opaque values, and reported.
bool PickleMachine::instance_of(PickleId cls, const Ids& arguments) {
  if (value(cls).kind != PickleKind::global) return bad("an object of something that is no class");
  const std::string name = value(cls).text;
  const auto meaning = static_cast<GlobalMeaning>(value(cls).integer);
  switch (meaning) {
    case GlobalMeaning::parameter:
    case GlobalMeaning::ordered_dict:
    case GlobalMeaning::tuple_of:
    case GlobalMeaning::set_of:
    case GlobalMeaning::number:
    case GlobalMeaning::harmless:
      return call(meaning, name, arguments);
    case GlobalMeaning::unknown:
      return opaque(name, false);
    default:
      return bad("{} is not a class of objects", name);
  }
}

bool PickleMachine::build() {
  PickleId state, target;
  if (!pop(state) || !top(target)) return false;
  PickleValue& object = document_.values[target];
  switch (object.kind) {
    case PickleKind::opaque:
      object.state = state;
      return true;
    case PickleKind::dict:    // attributes of an OrderedDict: `_metadata`, layer versions
    case PickleKind::tensor:  // attributes of a Parameter
    case PickleKind::set:
      return true;
    default:
      return bad("BUILD on something that is no object");
  }
}

// ---- tensors

std::optional<std::int64_t> PickleMachine::integer(PickleId id) const {
  if (value(id).kind != PickleKind::integer) return {};
  return value(id).integer;
}

std::optional<std::vector<std::int64_t>> PickleMachine::integers(PickleId id) const {
  const PickleValue& sequence = value(id);
  const bool kind_fits = sequence.kind == PickleKind::tuple || sequence.kind == PickleKind::list;
  if (!kind_fits || sequence.items.size() > kMaxDimensions) return {};
  std::vector<std::int64_t> numbers;
  for (const PickleId item : sequence.items) {
    const auto number = integer(item);
    if (!number || *number < 0) return {};
    numbers.push_back(*number);
  }
  return numbers;
}

bool PickleMachine::rebuild_tensor(GlobalMeaning meaning, const Ids& arguments) {
  const bool typed_by_argument = meaning == GlobalMeaning::rebuild_tensor_v3;
  if (arguments.size() < (typed_by_argument ? 7 : 4) ||
      value(arguments[0]).kind != PickleKind::storage)
    return bad("a tensor is not described by storage, offset, size and stride");
  PickleTensor tensor;
  tensor.storage = static_cast<std::size_t>(value(arguments[0]).integer);
  const PickleStorage& storage = document_.storages[tensor.storage];
  if (typed_by_argument) {
    if (value(arguments[6]).kind != PickleKind::global ||
        value(arguments[6]).integer != static_cast<std::int64_t>(GlobalMeaning::dtype))
      return bad("a tensor has {} as element type", in_quotes(value(arguments[6]).text));
    tensor.dtype = dtype_of_global(value(arguments[6]).text);
  } else {
    tensor.dtype = storage.dtype;
  }
  const auto offset = integer(arguments[1]);
  const auto shape = integers(arguments[2]);
  const auto strides = integers(arguments[3]);
  if (!offset || *offset < 0 || !shape || !strides || shape->size() != strides->size())
    return bad(
        "a tensor on storage {} has an offset, size or stride that is negative, missing or "
        "of more than {} dimensions",
        in_quotes(storage.key), kMaxDimensions);
  tensor.offset = *offset;
  tensor.shape = *shape;
  tensor.strides = *strides;
  if (!check_range(tensor, storage)) return false;
  document_.tensors.push_back(std::move(tensor));
  return push({.kind = PickleKind::tensor,
               .integer = static_cast<std::int64_t>(document_.tensors.size() - 1)});
}

bool PickleMachine::check_range(const PickleTensor& tensor, const PickleStorage& storage) {
  if (!tensor.dtype) return true;  // never read
  const auto element = static_cast<std::int64_t>(element_size(*tensor.dtype));
  const std::int64_t capacity =
      storage.count * static_cast<std::int64_t>(storage.element_bytes) / element;
  const auto bytes = byte_size(tensor.shape, *tensor.dtype);
  std::optional<std::int64_t> last = tensor.offset;  // element behind the last one used
  const bool empty = bytes && *bytes == 0;
  for (std::size_t d = 0; d < tensor.shape.size() && last && !empty; ++d) {
    const auto reach = checked_multiply(tensor.shape[d] - 1, tensor.strides[d]);
    last = reach ? checked_add(*last, *reach) : std::nullopt;
  }
  if (last && !empty) last = checked_add<std::int64_t>(*last, 1);
  if (!bytes || !last || *last > capacity)
    return bad(
        "a tensor of size [{}], stride [{}] at element {} reaches beyond storage {}, which "
        "has {}",
        fmt::join(tensor.shape, ","), fmt::join(tensor.strides, ","), tensor.offset,
        in_quotes(storage.key), capacity);
  const auto count = static_cast<std::int64_t>(*bytes) / element;
  if (count > std::max(capacity, kMaxRepeatedElements))
    return bad("a tensor of size [{}] repeats the {} elements of storage {} too often",
               fmt::join(tensor.shape, ","), capacity, in_quotes(storage.key));
  return true;
}

/// A tensor that carries Python attributes: (function, type, arguments, state).
bool PickleMachine::rebuild_from_type(const Ids& arguments) {
  if (arguments.size() < 3 || value(arguments[0]).kind != PickleKind::global ||
      value(arguments[2]).kind != PickleKind::tuple)
    return bad("a tensor is not described by function, type and arguments");
  const auto meaning = static_cast<GlobalMeaning>(value(arguments[0]).integer);
  const std::string name = value(arguments[0]).text;
  const Ids inner = value(arguments[2]).items;
  if (!charge(inner.size() * sizeof(PickleId))) return false;
  switch (meaning) {
    case GlobalMeaning::rebuild_tensor:
    case GlobalMeaning::rebuild_tensor_v2:
    case GlobalMeaning::rebuild_tensor_v3:
    case GlobalMeaning::parameter:
      return call(meaning, name, inner);
    case GlobalMeaning::unknown:
      return forbidden(name);
    default:
      return bad("{} does not make tensors", name);
  }
}

bool PickleMachine::parameter_from(const Ids& arguments) {
  if (arguments.empty() || value(arguments[0]).kind != PickleKind::tensor)
    return bad("a parameter has no tensor");
  return push_id(arguments[0]);
}

// ---- containers and bytes

bool PickleMachine::dict_from(const Ids& arguments) {
  PickleValue dict{.kind = PickleKind::dict};
  if (!arguments.empty()) {
    const PickleValue& source = value(arguments[0]);
    if (!charge(source.items.size() * 2 * sizeof(PickleId))) return false;
    if (source.kind == PickleKind::dict) {
      dict.items = source.items;
    } else if (source.kind == PickleKind::list || source.kind == PickleKind::tuple) {
      for (const PickleId pair : source.items) {
        if (value(pair).items.size() != 2)
          return bad("a dict is made of something else than pairs");
        dict.items.insert(dict.items.end(), value(pair).items.begin(), value(pair).items.end());
      }
    } else {
      return bad("a dict is made of something else than pairs");
    }
  }
  return push(std::move(dict));
}

bool PickleMachine::sequence_from(PickleKind kind, const Ids& arguments) {
  PickleValue sequence{.kind = kind};
  if (!arguments.empty()) {
    const PickleValue& source = value(arguments[0]);
    if (source.kind != PickleKind::list && source.kind != PickleKind::tuple &&
        source.kind != PickleKind::set)
      return bad("a sequence is made of something else than a list");
    if (!charge(source.items.size() * sizeof(PickleId))) return false;
    sequence.items = source.items;
  }
  return push(std::move(sequence));
}

bool PickleMachine::encoded_bytes(const Ids& arguments) {
  if (arguments.empty() || value(arguments[0]).kind != PickleKind::text)
    return bad("bytes are made of something else than text");
  const std::string& text = value(arguments[0]).text;
  if (!charge(text.size())) return false;
  const auto bytes = as_latin1(text);
  return bytes ? push_text(PickleKind::bytes, *bytes) : bad("bytes are made of wider characters");
}

}  // namespace invokeai::models
