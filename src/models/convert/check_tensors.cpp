#include "models/convert/check_tensors.h"

#include "models/convert/tensor_ops.h"

namespace invokeai::models {
namespace {

Shape without_trailing_ones(Shape shape) {
  while (shape.size() > 2 && shape.back() == 1) shape.pop_back();
  return shape;
}

}  // namespace

Result<> check_tensors(const TensorSource& source, const std::map<std::string, Shape>& expected) {
  int missing = 0;
  int misshapen = 0;
  std::string first_missing;
  std::string first_misshapen;
  for (const auto& [name, shape] : expected) {
    const TensorView* view = source.find(name);
    if (!view) {
      if (missing++ == 0) first_missing = name;
    } else if (without_trailing_ones(view->shape) != without_trailing_ones(shape)) {
      if (misshapen++ == 0) {
        first_misshapen = fmt::format("{}.{} has shape {}, expected {}", source.name, name,
                                      shape_text(view->shape), shape_text(shape));
      }
    }
  }
  if (misshapen > 0) {
    return fail(ErrorCode::bad_file, "convert.check",
                "{}; {} tensors misshapen and {} missing; is this the right kind of model?",
                first_misshapen, misshapen, missing);
  }
  if (missing > 0) {
    return fail(ErrorCode::bad_file, "convert.check",
                "{}: {} of {} tensors missing, first {}; is this a full model?", source.name,
                missing, expected.size(), first_missing);
  }
  return {};
}

}  // namespace invokeai::models
