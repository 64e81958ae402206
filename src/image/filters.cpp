#include "image/filters.h"

#include <algorithm>
#include <cmath>

#include "base/result.h"

namespace invokeai::image {
namespace {

/// Runs `filter` over a line of samples again and again: `count` samples, `stride` bytes apart.
template <class Filter>
void for_each_line(Image& picture, bool rows, Filter filter) {
  const std::ptrdiff_t channels = picture.channels;
  const std::ptrdiff_t row_size = channels * picture.width;
  const int lines = rows ? picture.height : picture.width;
  const int length = rows ? picture.width : picture.height;
  std::vector<std::uint8_t> line(static_cast<std::size_t>(length));
  for (int i = 0; i < lines; ++i) {
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
      std::uint8_t* first = picture.pixels.data() + i * (rows ? row_size : channels) + c;
      const std::ptrdiff_t stride = rows ? channels : row_size;
      for (int j = 0; j < length; ++j) line[static_cast<std::size_t>(j)] = first[j * stride];
      filter(line);
      for (int j = 0; j < length; ++j) first[j * stride] = line[static_cast<std::size_t>(j)];
    }
  }
}

/// Box weights in units of 2^-24, in Pillow's single precision.
struct BoxWeights {
  int radius;
  std::uint32_t inner;  ///< of each of the 2 * radius + 1 whole pixels
  std::uint32_t rim;    ///< of the two pixels next to them

  explicit BoxWeights(float r)
      : radius(static_cast<int>(r)),
        inner(static_cast<std::uint32_t>(static_cast<float>(1u << 24) / (r * 2 + 1))),
        rim(((1u << 24) - static_cast<std::uint32_t>(radius * 2 + 1) * inner) / 2) {}
};

/// One box blur of a line; `scratch` holds the result before it is copied back.
void blur_line(std::vector<std::uint8_t>& line, const BoxWeights& box,
               std::vector<std::uint8_t>& scratch) {
  const int last = static_cast<int>(line.size()) - 1;
  const auto at = [&](int i) -> std::uint32_t {
    return line[static_cast<std::size_t>(std::clamp(i, 0, last))];
  };
  std::uint32_t sum = 0;  // of the window around -1
  for (int i = -box.radius - 1; i <= box.radius - 1; ++i) sum += at(i);
  scratch.resize(line.size());
  for (int i = 0; i <= last; ++i) {
    sum += at(i + box.radius) - at(i - box.radius - 1);
    const std::uint32_t rim = at(i - box.radius - 1) + at(i + box.radius + 1);
    scratch[static_cast<std::size_t>(i)] =
        static_cast<std::uint8_t>((sum * box.inner + rim * box.rim + (1u << 23)) >> 24);
  }
  line.swap(scratch);
}

Image blur(const Image& picture, float radius, int passes) {
  Image result = picture;
  const BoxWeights box(radius);
  std::vector<std::uint8_t> scratch;
  for (const bool rows : {true, false})
    for_each_line(result, rows, [&](std::vector<std::uint8_t>& line) {
      for (int pass = 0; pass < passes; ++pass) blur_line(line, box, scratch);
    });
  return result;
}

/// Radius of the box that, applied `passes` times, has the variance of the Gaussian.
float gaussian_box_radius(float sigma, int passes) {
  const float variance = sigma * sigma / static_cast<float>(passes);
  const auto length = static_cast<float>(std::sqrt(12.0 * variance + 1.0));
  const auto whole = static_cast<float>(std::floor((length - 1.0) / 2.0));
  float part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
  part /= 6 * (variance - (whole + 1) * (whole + 1));
  return whole + part;
}

/// Extreme of a sliding window in three comparisons a sample: extremes from the left and from the
/// right inside blocks as long as the window (van Herk 1992, Gil and Werman 1993).
template <class Better>
void extreme_of_line(std::vector<std::uint8_t>& line, int radius, Better better) {
  const auto size = static_cast<int>(line.size());
  const int reach = std::min(radius, size - 1);
  const int window = 2 * reach + 1;
  const int padded = size + 2 * reach;
  std::vector<std::uint8_t> forward(static_cast<std::size_t>(padded));
  for (int i = 0; i < padded; ++i)
    forward[static_cast<std::size_t>(i)] =
        line[static_cast<std::size_t>(std::clamp(i - reach, 0, size - 1))];
  std::vector<std::uint8_t> backward = forward;
  for (int i = 1; i < padded; ++i)
    if (i % window != 0) forward[i] = better(forward[i], forward[i - 1]);
  for (int i = padded - 2; i >= 0; --i)
    if ((i + 1) % window != 0) backward[i] = better(backward[i], backward[i + 1]);
  for (int i = 0; i < size; ++i) line[i] = better(backward[i], forward[i + window - 1]);
}

template <class Better>
Image extreme(const Image& picture, int radius, Better better) {
  INVOKEAI_CHECK(radius >= 0 && !picture.pixels.empty());
  Image result = picture;
  if (radius == 0) return result;
  for (const bool rows : {true, false})
    for_each_line(result, rows,
                  [&](std::vector<std::uint8_t>& line) { extreme_of_line(line, radius, better); });
  return result;
}

/// Beyond this many pixels a blur no longer changes any picture that fits in memory, and the sums
/// stay within 32 bits.
constexpr double kLargestRadius = 65'535;

}  // namespace

Image box_blur(const Image& picture, double radius) {
  INVOKEAI_CHECK(radius >= 0 && radius <= kLargestRadius && !picture.pixels.empty());
  return radius == 0 ? picture : blur(picture, static_cast<float>(radius), 1);
}

Image gaussian_blur(const Image& picture, double radius) {
  INVOKEAI_CHECK(radius >= 0 && radius <= kLargestRadius && !picture.pixels.empty());
  constexpr int kPasses = 3;
  return radius == 0
             ? picture
             : blur(picture, gaussian_box_radius(static_cast<float>(radius), kPasses), kPasses);
}

Image dilate(const Image& picture, int radius) {
  return extreme(picture, radius, [](std::uint8_t a, std::uint8_t b) { return std::max(a, b); });
}

Image erode(const Image& picture, int radius) {
  return extreme(picture, radius, [](std::uint8_t a, std::uint8_t b) { return std::min(a, b); });
}

}  // namespace invokeai::image
