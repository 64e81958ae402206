#pragma once
// Slices and reshapes of tensors as they lie in a file: new views of the same bytes. Only
// concatenation copies.

#include <span>

#include "models/convert/key_map.h"
#include "models/formats/tensor_source.h"

namespace invokeai::models {

/// Rows [first, last) of the outermost dimension, strided tensors too.
/// Errors: bad_file when the tensor has fewer rows, or fewer bytes than its shape claims.
Result<TensorView> view_rows(const TensorView& view, Rows rows);

/// The view in its new shape. `squeeze` drops trailing dimensions of size 1 beyond the second,
/// `unsqueeze` makes a 2-D tensor 4-D, `transpose` swaps the two dimensions of a 2-D tensor by its
/// strides; tensors of other ranks stay as they are.
TensorView view_as(TensorView view, Reshape reshape);

/// One new contiguous tensor from parts stacked along the outermost dimension (copies).
/// Errors: bad_file when element types or inner shapes differ.
Result<TensorView> concatenate_rows(std::span<const TensorView> parts);

/// "[320, 4, 3, 3]", for messages.
std::string shape_text(const Shape& shape);

}  // namespace invokeai::models
