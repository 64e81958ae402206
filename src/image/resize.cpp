#include "image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "base/result.h"

namespace invokeai::image {
namespace {

constexpr int kFractionBits = 22;  // weights are integers of 2^-22

struct Kernel {
  double support;  ///< half width in source pixels when not shrinking
  double (*weight)(double);
};

double box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

double triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

/// Keys 1981 with a = -0.5, in the order of operations that Pillow's rounding depends on.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos3(double x) { return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

Kernel kernel_of(ResizeFilter filter) {
  switch (filter) {
    case ResizeFilter::box:
      return {0.5, box};
    case ResizeFilter::bilinear:
      return {1.0, triangle};
    case ResizeFilter::lanczos:
      return {3.0, lanczos3};
    default:
      return {2.0, cubic};
  }
}

/// The source pixels that one target pixel is made of.
struct Taps {
  int first = 0;
  std::vector<std::int32_t> weights;
};

std::int32_t fixed_point(double weight) {
  return static_cast<std::int32_t>(std::copysign(0.5, weight) + weight * (1 << kFractionBits));
}

/// Taps for every target index of one direction, `source` pixels to `target` pixels.
std::vector<Taps> make_taps(const Kernel& kernel, int source, int target) {
  const double scale = static_cast<double>(source) / target;
  const double widening = std::max(scale, 1.0);
  const double support = kernel.support * widening;
  const double shrink = 1.0 / widening;
  std::vector<Taps> all(static_cast<std::size_t>(target));
  std::vector<double> weights;
  for (int i = 0; i < target; ++i) {
    const double center = (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int last = std::min(static_cast<int>(center + support + 0.5), source);
    weights.clear();
    double sum = 0.0;
    for (int j = first; j < last; ++j) {
      weights.push_back(kernel.weight((j - center + 0.5) * shrink));
      sum += weights.back();
    }
    Taps& taps = all[static_cast<std::size_t>(i)];
    taps.first = first;
    for (const double weight : weights)
      taps.weights.push_back(fixed_point(sum != 0.0 ? weight / sum : weight));
  }
  return all;
}

std::uint8_t to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

/// One direction for `channels` known at compile time, so that the compiler unrolls.
template <int channels>
void filter_row(const std::uint8_t* row, const std::vector<Taps>& taps, std::uint8_t* to) {
  for (const Taps& tap : taps) {
    std::int32_t sums[channels];
    std::fill_n(sums, channels, 1 << (kFractionBits - 1));
    const std::uint8_t* from = row + static_cast<std::ptrdiff_t>(tap.first) * channels;
    for (const std::int32_t weight : tap.weights)
      for (int c = 0; c < channels; ++c) sums[c] += weight * *from++;
    for (int c = 0; c < channels; ++c) *to++ = to_byte(sums[c]);
  }
}

Image resize_width(const Image& picture, int width, const Kernel& kernel) {
  const auto taps = make_taps(kernel, picture.width, width);
  const auto filter = picture.channels == 1   ? filter_row<1>
                      : picture.channels == 3 ? filter_row<3>
                                              : filter_row<4>;
  Image result(width, picture.height, picture.channels);
  for (int y = 0; y < picture.height; ++y) filter(picture.at(0, y), taps, result.at(0, y));
  return result;
}

Image resize_height(const Image& picture, int height, const Kernel& kernel) {
  const auto taps = make_taps(kernel, picture.height, height);
  Image result(picture.width, height, picture.channels);
  const auto row_size = static_cast<std::size_t>(picture.width) * picture.channels;
  std::vector<std::int32_t> sums(row_size);
  for (int y = 0; y < height; ++y) {
    const Taps& tap = taps[static_cast<std::size_t>(y)];
    std::fill(sums.begin(), sums.end(), 1 << (kFractionBits - 1));
    const std::uint8_t* from = picture.at(0, tap.first);
    for (const std::int32_t weight : tap.weights)
      for (std::size_t i = 0; i < row_size; ++i) sums[i] += weight * *from++;
    std::transform(sums.begin(), sums.end(), result.at(0, y), to_byte);
  }
  return result;
}

void premultiply(Image& picture) {
  for (auto pixel = picture.pixels.begin(); pixel != picture.pixels.end(); pixel += 4) {
    for (int c = 0; c < 3; ++c) {
      const int product = pixel[c] * pixel[3] + 128;
      pixel[c] = static_cast<std::uint8_t>((product + (product >> 8)) >> 8);
    }
  }
}

void unpremultiply(Image& picture) {
  for (auto pixel = picture.pixels.begin(); pixel != picture.pixels.end(); pixel += 4) {
    if (pixel[3] == 0 || pixel[3] == 255) continue;
    for (int c = 0; c < 3; ++c)
      pixel[c] = static_cast<std::uint8_t>(std::min(255 * pixel[c] / pixel[3], 255));
  }
}

/// Source index for every target index; adds up the step as Pillow does, rounding included.
std::vector<int> nearest_indices(int source, int target) {
  const double step = static_cast<double>(source) / target;
  double position = step * 0.5;
  std::vector<int> indices(static_cast<std::size_t>(target));
  for (int& index : indices) {
    index = std::min(static_cast<int>(position), source - 1);
    position += step;
  }
  return indices;
}

Image resize_nearest(const Image& picture, int width, int height) {
  const auto columns = nearest_indices(picture.width, width);
  const auto rows = nearest_indices(picture.height, height);
  Image result(width, height, picture.channels);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      std::memcpy(result.at(x, y), picture.at(columns[x], rows[y]),
                  static_cast<std::size_t>(picture.channels));
  return result;
}

}  // namespace

Image resize(const Image& picture, int width, int height, ResizeFilter filter) {
  INVOKEAI_CHECK(width > 0 && height > 0 && !picture.pixels.empty());
  if (width == picture.width && height == picture.height) return picture;
  if (filter == ResizeFilter::nearest) return resize_nearest(picture, width, height);
  const Kernel kernel = kernel_of(filter);
  Image result = picture;
  if (result.channels == 4) premultiply(result);
  if (width != result.width) result = resize_width(result, width, kernel);
  if (height != result.height) result = resize_height(result, height, kernel);
  if (result.channels == 4) unpremultiply(result);
  return result;
}

}  // namespace invokeai::image
