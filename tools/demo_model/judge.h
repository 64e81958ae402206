#pragma once
// Tells what generated pictures show, where geometry cannot: which thing, which pattern, in which
// manner, before which backdrop. Two small convolutional networks.

#include "drawer/scene.h"
#include "image/image.h"
#include "nn/layers.h"

namespace invokeai::demo {

/// Four convolutions that halve, and a linear layer.
class Eye : public nn::Module {
 public:
  Eye(std::int64_t channels, std::int64_t side, std::int64_t answers);
  /// [B,channels,side,side] f32 in [-1,1] -> [B,answers] logits
  at::Tensor forward(const at::Tensor& x) const;

 private:
  nn::Conv2d conv1_, conv2_, conv3_, conv4_;
  nn::Linear out_;
};

/// What was seen. Thing and pattern mean something for one object on a plain backdrop alone.
struct Verdict {
  drawer::Shape shape;
  drawer::Pattern pattern;
  drawer::Rendering rendering;
  drawer::Backdrop backdrop;
};

class Judge : public nn::Module {
 public:
  Judge();
  /// An RGB picture of any size. With the basic vocabulary only its shapes are answered.
  Verdict judge(const image::Image& picture, drawer::Vocabulary vocabulary) const;

  /// [B,1,48,48] -> [B,shapes+patterns], [B,3,64,64] -> [B,renderings+backdrops]
  at::Tensor see_object(const at::Tensor& crops) const { return object_.forward(crops); }
  at::Tensor see_manner(const at::Tensor& wholes) const { return manner_.forward(wholes); }

 private:
  Eye object_, manner_;
};

/// The object cut out of the picture, [1,1,48,48]: distance from the ground's colour, whatever the
/// colours are, for the shape alone should speak.
at::Tensor object_input(const image::Image& picture);
/// The whole picture, [1,3,64,64].
at::Tensor manner_input(const image::Image& picture);

}  // namespace invokeai::demo
