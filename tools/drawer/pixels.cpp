#include "drawer/pixels.h"

#include <algorithm>
#include <cmath>

namespace invokeai::drawer {

float squared_distance(const Vector& a, const Vector& b) {
  float sum = 0;
  for (int i = 0; i < 3; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

Vector oklab(const Vector& pixel) {
  const auto linear = [](float v) {
    v /= 255;
    return v <= 0.04045f ? v / 12.92f : std::pow((v + 0.055f) / 1.055f, 2.4f);
  };
  const float r = linear(pixel[0]), g = linear(pixel[1]), b = linear(pixel[2]);
  const float l = std::cbrt(0.4122214708f * r + 0.5363325363f * g + 0.0514459929f * b);
  const float m = std::cbrt(0.2119034982f * r + 0.6806995451f * g + 0.1073969566f * b);
  const float s = std::cbrt(0.0883024619f * r + 0.2817188376f * g + 0.6299787005f * b);
  return {0.2104542553f * l + 0.7936177850f * m - 0.0040720468f * s,
          1.9779984951f * l - 2.4285922050f * m + 0.4505937099f * s,
          0.0259040371f * l + 0.7827717662f * m - 0.8086757660f * s};
}

Vector oklab(Color color) {
  const Rgb paint = rgb(color);
  return oklab(Vector{float(paint.r), float(paint.g), float(paint.b)});
}

image::Image halved(const image::Image& picture) {
  image::Image out(picture.width / 2, picture.height / 2, 3);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x)
      for (int c = 0; c < 3; ++c) {
        const int sum = picture.at(2 * x, 2 * y)[c] + picture.at(2 * x + 1, 2 * y)[c] +
                        picture.at(2 * x, 2 * y + 1)[c] + picture.at(2 * x + 1, 2 * y + 1)[c];
        out.at(x, y)[c] = static_cast<std::uint8_t>((sum + 2) / 4);
      }
  return out;
}

std::vector<Vector> smoothed(const image::Image& picture) {
  const int width = picture.width, height = picture.height,
            reach = std::max(1, std::min(width, height) / 100);
  std::vector<Vector> across(picture.pixels.size() / 3), both(across.size());
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      Vector sum{};
      for (int k = -reach; k <= reach; ++k)
        for (int c = 0; c < 3; ++c) sum[c] += picture.at(std::clamp(x + k, 0, width - 1), y)[c];
      across[y * width + x] = sum;
    }
  const float share = 1.0f / ((2 * reach + 1) * (2 * reach + 1));
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      Vector sum{};
      for (int k = -reach; k <= reach; ++k)
        for (int c = 0; c < 3; ++c)
          sum[c] += across[std::clamp(y + k, 0, height - 1) * width + x][c];
      for (int c = 0; c < 3; ++c) both[y * width + x][c] = sum[c] * share;
    }
  return both;
}

}  // namespace invokeai::drawer
