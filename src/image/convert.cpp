#include "image/convert.h"

#include "base/result.h"

namespace invokeai::image {
namespace {

std::uint8_t luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 0x8000u) >>
                                   16);
}

}  // namespace

Image with_channels(const Image& picture, int channels) {
  INVOKEAI_CHECK(channels == 1 || channels == 3 || channels == 4);
  if (channels == picture.channels) return picture;
  Image result(picture.width, picture.height, channels);
  const std::uint8_t* from = picture.pixels.data();
  const std::uint8_t* const end = from + picture.pixels.size();
  std::uint8_t* to = result.pixels.data();
  for (; from != end; from += picture.channels, to += channels) {
    if (channels == 1) {
      to[0] = luma(from);
      continue;
    }
    const bool grey = picture.channels == 1;
    for (int c = 0; c < 3; ++c) to[c] = from[grey ? 0 : c];
    if (channels == 4) to[3] = 255;
  }
  return result;
}

}  // namespace invokeai::image
