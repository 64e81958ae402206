#include "pipeline/sizes.h"

#include <algorithm>
#include <cmath>

namespace invokeai::pipeline {
namespace {

int to_step(double side) {
  return std::max(kSmallestSide, static_cast<int>(std::lround(side / kSizeStep)) * kSizeStep);
}

}  // namespace

Size init_size(Size picture, bool fit, Size box) {
  if (!fit) return {to_step(picture.width), to_step(picture.height)};
  const double scale = std::min(static_cast<double>(box.width) / picture.width,
                                static_cast<double>(box.height) / picture.height);
  return {std::min(to_step(picture.width * scale), box.width),
          std::min(to_step(picture.height * scale), box.height)};
}

}  // namespace invokeai::pipeline
