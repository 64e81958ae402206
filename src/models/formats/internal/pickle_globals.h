#pragma once
// What the names a pickle may import mean to us.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "models/formats/tensor_source.h"

namespace invokeai::models {

enum class GlobalMeaning : std::uint8_t {
  rebuild_tensor,     ///< (storage, offset, size, stride)
  rebuild_tensor_v2,  ///< (storage, offset, size, stride, requires_grad, hooks[, metadata])
  rebuild_tensor_v3,  ///< (storage, offset, size, stride, requires_grad, hooks, dtype[, metadata])
  rebuild_from_type,  ///< (function, type, arguments, state): calls the function
  parameter,          ///< (tensor, ...): the tensor
  ordered_dict,       ///< () or (list of pairs)
  tuple_of,           ///< (sequence): torch.Size
  set_of,             ///< (sequence): set, frozenset
  number,             ///< (number): int, float, bool
  encode,             ///< (text, "latin1"): bytes, as protocol 2 writes them
  new_object,         ///< (class, ...): an object of the class
  storage_type,       ///< class of a storage
  dtype,              ///< torch.float16 and the like
  nested_stream,      ///< a whole file inside a bytes value
  harmless,           ///< becomes an opaque value even when called
  unknown,            ///< opaque as long as it is not called
  dangerous,          ///< the file is refused
};

/// "module.name" with Python 2 module names replaced by today's.
std::string global_name(std::string_view module, std::string_view name);

GlobalMeaning meaning_of(std::string_view full_name);

/// Element type named by a torch dtype ("torch.float16"), if models use it.
std::optional<DType> dtype_of_global(std::string_view full_name);

struct StorageClass {
  std::optional<DType> dtype;  ///< nothing for untyped and complex storages
  std::size_t element_bytes = 1;
  bool complex = false;
};

/// Meaning of a storage class, e.g. "torch.HalfStorage", also from torch.cuda.
std::optional<StorageClass> storage_class_of(std::string_view full_name);

}  // namespace invokeai::models
