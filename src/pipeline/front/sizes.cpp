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

Size hires_first_size(Size wanted, int native) {
  const double aspect = static_cast<double>(wanted.width) / wanted.height;
  const double area = static_cast<double>(native) * native, least = native / 2;
  const bool wide = aspect > 1;
  const double shorter = std::max(least, std::sqrt(wide ? area / aspect : area * aspect));
  const double longer = wide ? shorter * aspect : shorter / aspect;
  const auto cut = [](double side, int most) {
    return std::clamp(static_cast<int>(side) / kSizeStep * kSizeStep, kSmallestSide, most);
  };
  return {cut(wide ? longer : shorter, wanted.width), cut(wide ? shorter : longer, wanted.height)};
}

}  // namespace invokeai::pipeline
