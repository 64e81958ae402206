#pragma once
// Files of torch.save: .ckpt, .pt, .pth, .bin. A pickle describes the tensors, their bytes follow
// in members of a zip archive (since torch 1.6) or behind each other (before).

#include <map>
#include <memory>
#include <span>
#include <string>

#include "models/formats/tensor_source.h"

namespace invokeai::models {

/// True when the bytes begin like one of the two layouts.
bool looks_like_torch_file(std::span<const std::uint8_t> bytes);

/// Tensors by dotted name, in the order of the file. The rules:
/// - a dict with a dict "state_dict" is replaced by the latter, as often as needed;
/// - dicts within dicts, lists and modules give dotted names: "string_to_param.*", "params.0";
/// - numbers, texts and truth values of the dicts passed become metadata: "global_step", "name";
/// - a file that is one tensor, without a name, gives "tensor";
/// - objects of other classes are left out; unknown ones are named in metadata "unknown_objects".
/// Views keep their strides and share the mapping. `name` leads every message.
/// Errors: bad_file, unsupported, out_of_memory; origin "pickle.forbidden" for files that carry
/// code.
Result<TensorSource> read_torch_file(std::span<const std::uint8_t> bytes,
                                     std::shared_ptr<const void> owner, const std::string& name);

struct TorchWriteOptions {
  /// Put the tensors under "state_dict", as checkpoints have them; else they are the outermost
  /// dict, as in a .bin of diffusers.
  bool nested = true;
  /// Numbers beside the tensors (or beside "state_dict"), e.g. global_step.
  std::map<std::string, std::int64_t> numbers;
};

/// Writes the zip layout with a pickle of protocol 2, which every torch since 1.6 opens, also in
/// its restricted mode (weights_only). Atomic and piece by piece; storages begin at multiples
/// of 64. Errors: invalid_argument (a name that is not UTF-8, or used twice), disk_full, io.
Result<> write_torch_file(const fs::path& path, const std::map<std::string, TensorView>& tensors,
                          const TorchWriteOptions& options = {});

}  // namespace invokeai::models
