#pragma once
// From a pickle's object to named tensors.

#include <functional>

#include "models/formats/internal/bytes.h"
#include "models/formats/pickle.h"

namespace invokeai::models {

/// Gives the bytes of a storage, at least count * element_bytes of them from its view_offset on.
using StorageReader = std::function<Result<OwnedBytes>(const PickleStorage&)>;

/// Follows the rules of read_torch_file; reads only storages that named tensors use.
Result<TensorSource> source_from_pickle(const PickleDocument& document, const StorageReader& reader,
                                        const std::string& name);

}  // namespace invokeai::models
