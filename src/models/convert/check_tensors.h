#pragma once
// Compares the tensors of a file with those a network needs, before anything is allocated.

#include <map>
#include <string>

#include "models/convert/key_map.h"
#include "models/formats/tensor_source.h"

namespace invokeai::models {

/// Every expected tensor must be there in its shape; trailing dimensions of size 1 beyond the
/// second don't count, so that a 1x1 convolution and a linear layer pass for each other (the loader
/// then takes the bytes in the shape it expects). More tensors than expected are no error. Errors:
/// bad_file, one line with the number of faults and the first of them, led by `source.name`.
Result<> check_tensors(const TensorSource& source, const std::map<std::string, Shape>& expected);

}  // namespace invokeai::models
