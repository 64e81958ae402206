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
    add("time_emb_proj", *time_projection_);
  }
  add("norm2", norm2_);
  add("conv2", conv2_);
  if (in != out) {
    shortcut_ = std::make_unique<Conv2d>(in, out, 1);
    add("conv_shortcut", *shortcut_);
  }
}

at::Tensor ResnetBlock::forward(const at::Tensor& x, const at::Tensor& time) const {
  at::Tensor h = conv1_.forward(at::silu(norm1_.forward(x)));
  if (time_projection_) h = h + time_projection_->forward(time).unsqueeze(2).unsqueeze(3);
  h = conv2_.forward(at::silu(norm2_.forward(h)));
  return (shortcut_ ? shortcut_->forward(x) : x) + h;
}

at::Tensor enlarge_nearest(const at::Tensor& x, std::int64_t height, std::int64_t width) {
  return at::upsample_nearest2d(x, {height, width});
}

}  // namespace invokeai::nn
