#include "demo_model/shape_classifier.h"

#include "drawer/measure.h"

namespace invokeai::demo {

ShapeClassifier::ShapeClassifier()
    : conv1_(3, 16, 3, 2, 1), conv2_(16, 32, 3, 2, 1), conv3_(32, 48, 3, 2, 1), out_(48 * 16, drawer::kShapes) {
  add("conv1", conv1_);
  add("conv2", conv2_);
  add("conv3", conv3_);
  add("out", out_);
}

at::Tensor ShapeClassifier::forward(const at::Tensor& crops) const {
  at::Tensor x = at::relu(conv1_.forward(crops));
  x = at::relu(conv3_.forward(at::relu(conv2_.forward(x))));
  return out_.forward(x.flatten(1));
}

at::Tensor classifier_input(const image::Image& picture) {
  const image::Image crop = drawer::crop_to_object(picture, ShapeClassifier::kSide);
  const at::Tensor pixels =
      at::from_blob(const_cast<std::uint8_t*>(crop.pixels.data()), {crop.height, crop.width, 3},
                    at::TensorOptions().dtype(at::kByte))
          .to(at::kFloat).div(255);
  // Distance from the ground's colour (the mean of the rim), scaled to [-1,1] per picture.
  const at::Tensor rim = at::cat({pixels[0], pixels[crop.height - 1]}).mean(0);
  const at::Tensor distance = (pixels - rim).square().sum(-1).sqrt();
  const at::Tensor scaled = distance / distance.max().clamp_min(1e-3) * 2 - 1;
  return scaled.expand({1, 3, crop.height, crop.width}).contiguous();
}

}  // namespace invokeai::demo
