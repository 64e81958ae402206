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

/// device: auto, cpu, cuda, cuda:N, mps. precision: auto, float32, float16, bfloat16, autocast,
/// int8. auto takes a GPU where there is one; on it float16 (float32 on Apple's), on the CPU
/// bfloat16 where the processor computes in it, else float32. int8 is for the CPU; what is not
/// rounded to it is in the type that auto takes.
///
/// On every device weights are channels-last (nn::convert), which is what tensor cores want of
/// convolutions in half precision, and attention is libtorch's fused one: on CUDA its flash form
/// takes float16 and bfloat16 heads of at most 256 numbers, a multiple of 8, as all of Stable
/// Diffusion's are, and its memory-efficient form float32, to which SD 2.1's scores are widened.
/// CUDA's group norm alone gives channels-first, which the convolution behind it turns round again.
/// Errors: unsupported when the device asked for is not there, and for int8 on a GPU.
Result<DeviceChoice> choose_device(const std::string& device, const std::string& precision);

/// While one lives, and if `wanted`, cuDNN tries for each new shape which of its algorithms is the
/// fastest, instead of guessing. Which wins may differ from run to run, and with it the last bits;
/// the trials take memory. Without cuDNN nothing changes.
class TunedConvolutions {
 public:
  explicit TunedConvolutions(bool wanted);
  ~TunedConvolutions();
  TunedConvolutions(const TunedConvolutions&) = delete;
  TunedConvolutions& operator=(const TunedConvolutions&) = delete;

 private:
  bool before_;
};

/// From now on convolutions on a GPU give the same bytes at every run, or need not.
void set_repeatable_convolutions(bool repeatable);

}  // namespace invokeai::pipeline
