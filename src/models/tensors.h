#pragma once
// Between tensors in files and tensors in networks.

#include <map>
#include <string>

#include "models/formats/tensor_source.h"
#include "nn/module.h"

namespace invokeai::models {

at::ScalarType scalar_type(DType dtype);

/// The same memory as a tensor on the CPU; it keeps the file mapped while it lives. Read-only by
/// agreement: writing to it is undefined.
at::Tensor as_tensor(const TensorView& view);

/// The same memory as a view, for the writers. Moves to the CPU and makes rows contiguous first
/// where needed.
TensorView as_view(const at::Tensor& tensor);
std::map<std::string, TensorView> as_views(const std::map<std::string, at::Tensor>& tensors);

/// Whether the source has every parameter of the module, in its shape. `part` names the network in
/// messages. Errors: bad_file naming the first missing or misshapen tensor and how many there are.
Result<> check_parameters(nn::Module& module, const TensorSource& source, const std::string& part);

/// A tensor of a file as a parameter of this shape, converted to device and type as it is read;
/// convolution kernels become channels-last where they will not be packed. The pages of the file
/// that held it are given back to the system.
at::Tensor load_parameter(const TensorView& view, at::IntArrayRef shape, at::Device device,
                          at::ScalarType dtype);

/// Fills every parameter of the module from the source, after `check_parameters`.
Result<> load_parameters(nn::Module& module, const TensorSource& source, const std::string& part,
                         at::Device device, at::ScalarType dtype);

/// Current values of all parameters by name.
std::map<std::string, at::Tensor> parameters_of(nn::Module& module);

}  // namespace invokeai::models
