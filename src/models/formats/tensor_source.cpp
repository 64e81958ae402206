#include "models/formats/tensor_source.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <numeric>

#include "models/formats/internal/bytes.h"

namespace invokeai::models {
namespace {

struct DTypeRow {
  DType dtype;
  std::size_t size;
  const char* name;
};

constexpr std::array kDTypes = {
    DTypeRow{DType::f64, 8, "f64"},         DTypeRow{DType::f32, 4, "f32"},
    DTypeRow{DType::f16, 2, "f16"},         DTypeRow{DType::bf16, 2, "bf16"},
    DTypeRow{DType::i64, 8, "i64"},         DTypeRow{DType::i32, 4, "i32"},
    DTypeRow{DType::i16, 2, "i16"},         DTypeRow{DType::i8, 1, "i8"},
    DTypeRow{DType::u8, 1, "u8"},           DTypeRow{DType::boolean, 1, "bool"},
    DTypeRow{DType::f8_e4m3, 1, "f8_e4m3"}, DTypeRow{DType::f8_e5m2, 1, "f8_e5m2"},
    DTypeRow{DType::u16, 2, "u16"},         DTypeRow{DType::u32, 4, "u32"},
    DTypeRow{DType::u64, 8, "u64"},
};

const DTypeRow& row_of(DType dtype) {
  const DTypeRow& row = kDTypes[static_cast<std::size_t>(dtype)];
  INVOKEAI_CHECK(row.dtype == dtype);
  return row;
}

/// Copies `count` elements that lie `stride` elements apart.
template <std::size_t kSize>
void copy_row(const std::uint8_t* from, std::int64_t stride, std::int64_t count, std::uint8_t* to) {
  const std::int64_t step = stride * static_cast<std::int64_t>(kSize);
  for (std::int64_t i = 0; i < count; ++i, from += step, to += kSize) std::memcpy(to, from, kSize);
}

using RowCopier = void (*)(const std::uint8_t*, std::int64_t, std::int64_t, std::uint8_t*);

RowCopier row_copier(std::size_t element) {
  switch (element) {
    case 1:
      return copy_row<1>;
    case 2:
      return copy_row<2>;
    case 4:
      return copy_row<4>;
    default:
      return copy_row<8>;
  }
}

}  // namespace

std::size_t element_size(DType dtype) { return row_of(dtype).size; }

const char* dtype_name(DType dtype) { return row_of(dtype).name; }

std::int64_t TensorView::element_count() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

bool TensorView::contiguous() const {
  if (strides.empty() || element_count() == 0) return true;
  std::int64_t expected = 1;
  for (std::size_t d = shape.size(); d-- > 0; expected *= shape[d])
    if (shape[d] != 1 && strides[d] != expected) return false;
  return true;
}

void copy_contiguous(const TensorView& view, std::span<std::uint8_t> out) {
  const std::size_t element = element_size(view.dtype);
  INVOKEAI_CHECK_EQ(out.size(), static_cast<std::size_t>(view.element_count()) * element);
  if (out.empty()) return;
  if (view.contiguous()) {
    std::memcpy(out.data(), view.data.data(), out.size());
    return;
  }
  const RowCopier copy = row_copier(element);
  const std::size_t last = view.shape.size() - 1;
  const std::size_t row_bytes = static_cast<std::size_t>(view.shape[last]) * element;
  std::vector<std::int64_t> index(view.shape.size(), 0);
  std::int64_t start = 0;  // element offset of the current row
  for (std::size_t done = 0; done < out.size(); done += row_bytes) {
    copy(view.data.data() + static_cast<std::size_t>(start) * element, view.strides[last],
         view.shape[last], out.data() + done);
    for (std::size_t d = last; d-- > 0;) {
      start += view.strides[d];
      if (++index[d] < view.shape[d]) break;
      start -= view.strides[d] * view.shape[d];
      index[d] = 0;
    }
  }
}

std::optional<std::size_t> byte_size(std::span<const std::int64_t> shape, DType dtype) {
  std::optional<std::int64_t> bytes = static_cast<std::int64_t>(element_size(dtype));
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t n) { return n < 0; })) return {};
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  for (const std::int64_t size : shape)
    if (bytes = checked_multiply(*bytes, size); !bytes) return {};
  return static_cast<std::size_t>(*bytes);
}

const TensorView* TensorSource::find(const std::string& key) const {
  const auto found = tensors.find(key);
  return found == tensors.end() ? nullptr : &found->second;
}

}  // namespace invokeai::models
