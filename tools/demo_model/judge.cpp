#include "demo_model/judge.h"

#include <ATen/core/grad_mode.h>

#include "drawer/measure.h"

namespace invokeai::demo {
namespace {

constexpr int kObjectSide = 48, kMannerSide = 64;

/// [1,3,H,W] in [0,1]
at::Tensor as_pixels(const image::Image& picture) {
  return at::from_blob(const_cast<std::uint8_t*>(picture.pixels.data()),
                       {1, picture.height, picture.width, 3}, at::TensorOptions().dtype(at::kByte))
      .permute({0, 3, 1, 2})
      .to(at::kFloat)
      .div(255);
}

template <class Enum>
Enum most_likely(const at::Tensor& logits, int first, int count) {
  return static_cast<Enum>(logits.slice(1, first, first + count).argmax(1).item<std::int64_t>());
}

}  // namespace

Eye::Eye(std::int64_t channels, std::int64_t side, std::int64_t answers)
    : conv1_(channels, 16, 3, 2, 1),
      conv2_(16, 32, 3, 2, 1),
      conv3_(32, 48, 3, 2, 1),
      conv4_(48, 64, 3, 2, 1),
      out_(64 * (side / 16) * (side / 16), answers) {
  add("conv1", conv1_);
  add("conv2", conv2_);
  add("conv3", conv3_);
  add("conv4", conv4_);
  add("out", out_);
}

at::Tensor Eye::forward(const at::Tensor& x) const {
  const at::Tensor fine = at::relu(conv2_.forward(at::relu(conv1_.forward(x))));
  return out_.forward(at::relu(conv4_.forward(at::relu(conv3_.forward(fine)))).flatten(1));
}

Judge::Judge()
    : object_(1, kObjectSide, drawer::kShapes + drawer::kPatterns),
      manner_(3, kMannerSide, drawer::kRenderings + drawer::kBackdrops) {
  add("object", object_);
  add("manner", manner_);
}

Verdict Judge::judge(const image::Image& picture, drawer::Vocabulary vocabulary) const {
  at::NoGradGuard no_grad;
  const at::Tensor object = see_object(object_input(picture)),
                   manner = see_manner(manner_input(picture));
  const int shapes =
      vocabulary == drawer::Vocabulary::basic ? drawer::kBasicShapes : drawer::kShapes;
  return {
      .shape = most_likely<drawer::Shape>(object, 0, shapes),
      .pattern = most_likely<drawer::Pattern>(object, drawer::kShapes, drawer::kPatterns),
      .rendering = most_likely<drawer::Rendering>(manner, 0, drawer::kRenderings),
      .backdrop = most_likely<drawer::Backdrop>(manner, drawer::kRenderings, drawer::kBackdrops)};
}

at::Tensor object_input(const image::Image& picture) {
  const image::Image crop = drawer::crop_to_object(picture, kObjectSide);
  const at::Tensor pixels = as_pixels(crop);
  // Distance from the ground's colour (the mean of the rim), scaled to [-1,1] per picture.
  const at::Tensor rim =
      at::cat({pixels.select(2, 0), pixels.select(2, crop.height - 1)}, 2).mean(2);
  const at::Tensor distance = (pixels - rim.reshape({1, 3, 1, 1})).square().sum(1, true).sqrt();
  return (distance / distance.max().clamp_min(1e-3) * 2 - 1).contiguous();
}

at::Tensor manner_input(const image::Image& picture) {
  return (at::adaptive_avg_pool2d(as_pixels(picture), {kMannerSide, kMannerSide}) * 2 - 1)
      .contiguous();
}

}  // namespace invokeai::demo
