#pragma once
// Tells the drawer's shapes apart in generated pictures: three convolutions over a 32x32 crop.

#include "drawer/scene.h"
#include "image/image.h"
#include "nn/layers.h"

namespace invokeai::demo {

class ShapeClassifier : public nn::Module {
 public:
  ShapeClassifier();
  /// [B,3,32,32] f32 in [-1,1] -> [B,shapes] logits
  at::Tensor forward(const at::Tensor& crops) const;
  static constexpr int kSide = 32;

 private:
  nn::Conv2d conv1_, conv2_, conv3_;
  nn::Linear out_;
};

/// The object cut out of the picture, [1,3,32,32] f32 in [-1,1], dark on light whatever its colours:
/// the shape alone should speak.
at::Tensor classifier_input(const image::Image& picture);

}  // namespace invokeai::demo
