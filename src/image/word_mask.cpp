#include "image/word_mask.h"

#include <algorithm>

#include "base/result.h"
#include "image/box.h"
#include "image/compose.h"
#include "image/convert.h"
#include "image/resize.h"

namespace invokeai::image {

Image word_input(const Image& picture) {
  const int longer = std::max(picture.width, picture.height);
  const auto scaled = [&](int side) {
    return std::max<int>(1, static_cast<int>(static_cast<double>(side) * kWordSide / longer));
  };
  Image square(kWordSide, kWordSide, 3);
  place(square,
        resize(with_channels(picture, 3), scaled(picture.width), scaled(picture.height),
               ResizeFilter::lanczos),
        0, 0);
  return square;
}

Image over_picture(const Image& square, int width, int height) {
  INVOKEAI_CHECK(square.channels == 1 && square.width == square.height);
  const int longer = std::max(width, height);
  return crop(resize(square, longer, longer, ResizeFilter::lanczos), {0, 0, width, height});
}

Image word_mask(const Image& heat, double threshold, int width, int height) {
  Image mask = heat;
  for (auto& value : mask.pixels) value = value >= threshold * 255 ? 0 : 255;
  return over_picture(mask, width, height);
}

}  // namespace invokeai::image
