#pragma once
// The residual block both UNet and VAE are made of.

#include <memory>

#include "nn/layers.h"

namespace invokeai::nn {

/// norm, SiLU, conv, (+ projected time embedding), norm, SiLU, conv, + input (through a 1x1
/// convolution when the channel count changes).
class ResnetBlock : public Module {
 public:
  /// time_width 0: no time embedding (VAE).
  ResnetBlock(std::int64_t in, std::int64_t out, std::int64_t groups, double eps,
              std::int64_t time_width = 0);

  /// x [B,in,H,W]; time [B,time_width], already through SiLU, or undefined -> [B,out,H,W]
  /// Handed over with std::move and held by nobody else, the memory of x is used again.
  at::Tensor forward(at::Tensor x, const at::Tensor& time = {}) const;

 private:
  GroupNorm norm1_;
  Conv2d conv1_;
  std::unique_ptr<Linear> time_projection_;
  GroupNorm norm2_;
  Conv2d conv2_;
  std::unique_ptr<Conv2d> shortcut_;
};

}  // namespace invokeai::nn
