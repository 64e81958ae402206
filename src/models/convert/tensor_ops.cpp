#include "models/convert/tensor_ops.h"

#include <algorithm>

namespace invokeai::models {
namespace {

/// The view's strides, made explicit.
Shape strides_of(const TensorView& view) {
  if (!view.strides.empty()) return view.strides;
  Shape strides(view.shape.size(), 1);
  for (std::size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * view.shape[i];
  return strides;
}

/// Elements from the first to the last one used.
std::int64_t extent(const Shape& shape, const Shape& strides) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) return 0;
    last += (shape[i] - 1) * strides[i];
  }
  return last + 1;
}

bool has_all_bytes(const TensorView& view) {
  const auto needed = extent(view.shape, strides_of(view));
  return view.data.size() >= static_cast<std::size_t>(needed) * element_size(view.dtype);
}

}  // namespace

Result<TensorView> view_rows(const TensorView& view, Rows rows) {
  if (view.shape.empty() || rows.first < 0 || rows.first > rows.last || rows.last > view.shape[0] ||
      !has_all_bytes(view)) {
    return fail(ErrorCode::bad_file, "convert", "rows {} to {} wanted from a tensor of shape {}",
                rows.first, rows.last, shape_text(view.shape));
  }
  const Shape strides = strides_of(view);
  TensorView part = view;
  part.shape[0] = rows.last - rows.first;
  const std::int64_t length = extent(part.shape, strides);
  const auto size = static_cast<std::int64_t>(element_size(view.dtype));
  const std::int64_t offset = length == 0 ? 0 : rows.first * strides[0] * size;
  part.data =
      view.data.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length * size));
  return part;
}

TensorView view_as(TensorView view, Reshape reshape) {
  switch (reshape) {
    case Reshape::none:
      break;
    case Reshape::squeeze:
      while (view.shape.size() > 2 && view.shape.back() == 1) {
        view.shape.pop_back();
        if (!view.strides.empty()) view.strides.pop_back();
      }
      break;
    case Reshape::unsqueeze:
      if (view.shape.size() != 2) break;
      view.shape.insert(view.shape.end(), 2, 1);
      if (!view.strides.empty()) view.strides.insert(view.strides.end(), 2, 1);
      break;
    case Reshape::transpose:
      if (view.shape.size() != 2) break;
      view.strides = strides_of(view);
      std::swap(view.shape[0], view.shape[1]);
      std::swap(view.strides[0], view.strides[1]);
      break;
  }
  return view;
}

Result<TensorView> concatenate_rows(std::span<const TensorView> parts) {
  INVOKEAI_CHECK(!parts.empty());
  TensorView whole;
  whole.dtype = parts[0].dtype;
  whole.shape = parts[0].shape;
  auto bytes = std::make_shared<std::vector<std::uint8_t>>();
  std::int64_t rows = 0;
  for (const TensorView& part : parts) {
    const bool same_inner =
        part.shape.size() == whole.shape.size() && !part.shape.empty() &&
        std::equal(part.shape.begin() + 1, part.shape.end(), whole.shape.begin() + 1);
    if (part.dtype != whole.dtype || !same_inner || !has_all_bytes(part)) {
      return fail(ErrorCode::bad_file, "convert", "cannot stack {} {} under {} {}",
                  dtype_name(part.dtype), shape_text(part.shape), dtype_name(whole.dtype),
                  shape_text(whole.shape));
    }
    rows += part.shape[0];
    const std::size_t before = bytes->size();
    bytes->resize(before +
                  static_cast<std::size_t>(part.element_count()) * element_size(part.dtype));
    copy_contiguous(part, std::span(*bytes).subspan(before));
  }
  whole.shape[0] = rows;
  whole.data = *bytes;
  whole.owner = std::move(bytes);
  return whole;
}

std::string shape_text(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

}  // namespace invokeai::models
