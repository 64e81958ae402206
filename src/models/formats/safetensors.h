#pragma once
// The .safetensors format: a JSON header that says where each tensor lies, then the raw tensors.
// Nothing in it can run. Layout: 8 bytes little-endian header length N, N bytes of JSON, data.

#include <map>
#include <memory>
#include <span>
#include <string>

#include "models/formats/tensor_source.h"

namespace invokeai::models {

/// Longest header that is read, the reference's own limit.
constexpr std::size_t kMaxSafetensorsHeader = 100'000'000;

/// Maps the file and checks its header; tensor bytes stay where they lie (zero copy).
/// Errors: not_found, io, bad_file (what is wrong and where), unsupported (an element type).
Result<TensorSource> open_safetensors(const fs::path& path);

/// The same over bytes in memory, kept alive by `owner`; `name` leads every message.
/// Accepted is what the reference implementation accepts: the tensors tile the data area without
/// gap, overlap or rest; names are unique; shapes match their byte ranges.
Result<TensorSource> read_safetensors(std::span<const std::uint8_t> bytes,
                                      std::shared_ptr<const void> owner, const std::string& name);

/// Writes atomically and piece by piece, in the reference's order (element types by falling
/// alignment, then by name) and padding, so equal tensors give equal bytes. Views with strides are
/// written dense. Readers of the transformers family want metadata {"format": "pt"}.
/// Errors: invalid_argument (a name or text that is not UTF-8), disk_full, io.
Result<> write_safetensors(const fs::path& path, const std::map<std::string, TensorView>& tensors,
                           const std::map<std::string, std::string>& metadata);

}  // namespace invokeai::models
