#include "image/compose.h"

#include <algorithm>
#include <cstring>

#include "base/result.h"
#include "image/convert.h"

namespace invokeai::image {
namespace {

bool same_size(const Image& a, const Image& b) {
  return a.width == b.width && a.height == b.height;
}

/// value / 255, rounded to nearest, for 0..255*255.
std::uint8_t divide_by_255(int value) {
  value += 128;
  return static_cast<std::uint8_t>((value + (value >> 8)) >> 8);
}

}  // namespace

Image crop(const Image& picture, const Box& box) {
  INVOKEAI_CHECK(box.width > 0 && box.height > 0);
  Image part(box.width, box.height, picture.channels);
  place(part, picture, -box.left, -box.top);
  return part;
}

void place(Image& onto, const Image& top, int left, int top_row) {
  INVOKEAI_CHECK_EQ(onto.channels, top.channels);
  const int first_x = std::max(0, -left);
  const int last_x = std::min(top.width, onto.width - left);
  if (last_x <= first_x) return;
  const auto size = static_cast<std::size_t>(last_x - first_x) * onto.channels;
  const int last_y = std::min(top.height, onto.height - top_row);
  for (int y = std::max(0, -top_row); y < last_y; ++y)
    std::memcpy(onto.at(left + first_x, top_row + y), top.at(first_x, y), size);
}

Image blend(const Image& below, const Image& above, const Image& mask) {
  INVOKEAI_CHECK(same_size(below, above) && same_size(below, mask));
  INVOKEAI_CHECK_EQ(below.channels, above.channels);
  INVOKEAI_CHECK_EQ(mask.channels, 1);
  Image result = below;
  const auto channels = static_cast<std::size_t>(below.channels);
  for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
    const int weight = mask.pixels[i];
    for (std::size_t c = i * channels; c < (i + 1) * channels; ++c)
      result.pixels[c] = divide_by_255(below.pixels[c] * (255 - weight) + above.pixels[c] * weight);
  }
  return result;
}

Image multiply(const Image& a, const Image& b) {
  INVOKEAI_CHECK(same_size(a, b) && a.channels == 1 && b.channels == 1);
  Image product = a;
  std::transform(a.pixels.begin(), a.pixels.end(), b.pixels.begin(), product.pixels.begin(),
                 [](int x, int y) { return static_cast<std::uint8_t>(x * y / 255); });
  return product;
}

Image alpha_of(const Image& picture) {
  Image alpha(picture.width, picture.height, 1);
  for (std::size_t i = 0; i < alpha.pixels.size(); ++i)
    alpha.pixels[i] = picture.channels == 4 ? picture.pixels[4 * i + 3] : 255;
  return alpha;
}

Image with_alpha(const Image& picture, const Image& alpha) {
  INVOKEAI_CHECK(same_size(picture, alpha) && alpha.channels == 1);
  Image result = with_channels(picture, 4);
  for (std::size_t i = 0; i < alpha.pixels.size(); ++i) result.pixels[4 * i + 3] = alpha.pixels[i];
  return result;
}

}  // namespace invokeai::image
