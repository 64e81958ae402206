#include "nn/resnet.h"

namespace invokeai::nn {

ResnetBlock::ResnetBlock(std::int64_t in, std::int64_t out, std::int64_t groups, double eps,
                         std::int64_t time_width)
    : norm1_(groups, in, eps),
      conv1_(in, out, 3, 1, 1),
      norm2_(groups, out, eps),
      conv2_(out, out, 3, 1, 1) {
  add("norm1", norm1_);
  add("conv1", conv1_);
  if (time_width > 0) {
    time_projection_ = std::make_unique<Linear>(time_width, out);
    time_projection_->stay_exact();  // it shifts every pixel alike, and costs next to nothing
    add("time_emb_proj", *time_projection_);
  }
  add("norm2", norm2_);
  add("conv2", conv2_);
  if (in != out) {
    shortcut_ = std::make_unique<Conv2d>(in, out, 1);
    add("conv_shortcut", *shortcut_);
  }
}

at::Tensor ResnetBlock::forward(at::Tensor x, const at::Tensor& time) const {
  const at::Tensor rest = shortcut_ ? shortcut_->forward(x) : x;
  at::Tensor h = conv1_.forward(norm1_.forward_silu(std::move(x)));
  const at::Tensor shift = time_projection_ ? time_projection_->forward(time) : at::Tensor();
  h = norm2_.forward_silu(std::move(h), shift);
  return conv2_.forward_add(h, rest);
}

}  // namespace invokeai::nn
