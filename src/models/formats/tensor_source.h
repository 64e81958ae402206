#pragma once
// What every model file format looks like to the rest of the program: named tensors whose bytes are
// read where they lie. No libtorch here, so the parsers of foreign bytes are tested on their own.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace invokeai::models {

enum class DType {
  f64,
  f32,
  f16,
  bf16,
  i64,
  i32,
  i16,
  i8,
  u8,
  boolean,
  f8_e4m3,
  f8_e5m2,
  u16,
  u32,
  u64
};

/// Bytes of one element: f64 8, f32 4, f16/bf16 2, ...
std::size_t element_size(DType dtype);
/// Lower-case short name: "f32", "bf16", "f8_e4m3", "bool".
const char* dtype_name(DType dtype);

/// One tensor as it lies in a file. `data` may be unaligned, and is valid while `owner` lives.
struct TensorView {
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;     ///< outermost first; empty for a scalar
  std::vector<std::int64_t> strides;   ///< in elements; empty means contiguous rows
  std::span<const std::uint8_t> data;  ///< from the first element to the last one used
  std::shared_ptr<const void> owner;   ///< keeps the mapping or the inflated buffer alive
  std::shared_ptr<const MappedFile> file = {};  ///< where `data` lies in a file as it is

  std::int64_t element_count() const;  ///< product of shape; 1 for a scalar
  bool contiguous() const;             ///< true when strides are empty or row-major
};

/// Copies the elements of a view, row by row and without gaps, into `out`, which has room for
/// exactly element_count * element_size bytes. Strides that repeat or skip elements are honoured.
void copy_contiguous(const TensorView& view, std::span<std::uint8_t> out);

/// Most dimensions a tensor of a model file may have; no model part uses more than five.
constexpr std::size_t kMaxDimensions = 8;

/// Bytes of a dense tensor of this shape, or nothing when a size is negative or the product
/// overflows.
std::optional<std::size_t> byte_size(std::span<const std::int64_t> shape, DType dtype);

/// All tensors of one file (or one set of shards), by name, with the file's own text metadata.
struct TensorSource {
  std::string name;  ///< path shown in error messages
  std::map<std::string, TensorView> tensors;
  std::map<std::string, std::string> metadata;  ///< safetensors __metadata__, or ckpt scalars such
                                                ///< as global_step, under their dotted names
  std::vector<std::string> order;  ///< the names of `tensors` as they follow each other in the file

  const TensorView* find(const std::string& key) const;
};

/// Opens .safetensors, or .ckpt/.pt/.bin/.pth (zip or legacy pickle), told apart by content, not
/// name. An index (`*.index.json` with a "weight_map") opens all the shards it names beside it.
/// Nested `state_dict` levels of a pickle are unwrapped. Never runs code from the file: one that
/// asks for it is refused with origin "pickle.forbidden" and the name of what it wanted to call.
/// Errors: not_found, io, bad_file (what is wrong, at which byte), unsupported.
Result<TensorSource> open_tensor_file(const fs::path& path);

}  // namespace invokeai::models
