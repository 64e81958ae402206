#pragma once
// Pictures in memory: 8 bits a channel, rows from the top, channels interleaved (HWC).

#include <cstdint>
#include <vector>

namespace invokeai::image {

/// width*height*channels bytes. channels: 1 grey, 3 RGB, 4 RGBA (not premultiplied).
struct Image {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::vector<std::uint8_t> pixels;

  Image() = default;
  Image(int width, int height, int channels)
      : width(width),
        height(height),
        channels(channels),
        pixels(static_cast<std::size_t>(width) * height * channels) {}

  std::uint8_t* at(int x, int y) {
    return pixels.data() + (static_cast<std::size_t>(y) * width + x) * channels;
  }
  const std::uint8_t* at(int x, int y) const {
    return pixels.data() + (static_cast<std::size_t>(y) * width + x) * channels;
  }
  bool operator==(const Image&) const = default;
};

}  // namespace invokeai::image
