#pragma once
// Where the networks run and in which number format, and why.

#include <ATen/ATen.h>

#include <string>

#include "base/result.h"

namespace invokeai::pipeline {

struct DeviceChoice {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  bool int8 = false;           ///< the UNet's weights and activations are rounded to 8 bits
  std::string device_name;     ///< "cpu", "cuda:0"
  std::string precision_name;  ///< "float32", "bfloat16", "float16", "int8"
  std::string reason;          ///< one line for the user
};

/// device: auto, cpu, cuda, cuda:N, mps. precision: auto, float32, float16, bfloat16, autocast, int8.
/// auto takes a GPU where there is one; on it float16 (float32 on cards that fail with it), on the
/// CPU bfloat16 where the processor computes in it, else float32. int8 is for the CPU; what is not
/// rounded to it is in the type that auto takes.
/// Errors: unsupported when the device asked for is not there, and for int8 on a GPU.
Result<DeviceChoice> choose_device(const std::string& device, const std::string& precision);

}  // namespace invokeai::pipeline
