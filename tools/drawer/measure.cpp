#include "drawer/measure.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace invokeai::drawer {
namespace {

constexpr float kStandsOut = 60;         // from the background, in 8-bit RGB
constexpr float kSmallestShare = 0.01f;  // of the picture, to count as an object

using Vector = std::array<float, 3>;

float squared_distance(const Vector& a, const Vector& b) {
  float sum = 0;
  for (int i = 0; i < 3; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

Vector oklab(float r, float g, float b) {
  const auto linear = [](float v) {
    v /= 255;
    return v <= 0.04045f ? v / 12.92f : std::pow((v + 0.055f) / 1.055f, 2.4f);
  };
  r = linear(r), g = linear(g), b = linear(b);
  const float l = std::cbrt(0.4122214708f * r + 0.5363325363f * g + 0.0514459929f * b);
  const float m = std::cbrt(0.2119034982f * r + 0.6806995451f * g + 0.1073969566f * b);
  const float s = std::cbrt(0.0883024619f * r + 0.2817188376f * g + 0.6299787005f * b);
  return {0.2104542553f * l + 0.7936177850f * m - 0.0040720468f * s,
          1.9779984951f * l - 2.4285922050f * m + 0.4505937099f * s,
          0.0259040371f * l + 0.7827717662f * m - 0.8086757660f * s};
}

Color nearest(const Vector& pixel) {
  static const auto kNamed = [] {
    std::array<Vector, kColors> named;
    for (int i = 0; i < kColors; ++i) {
      const Rgb paint = rgb(static_cast<Color>(i));
      named[i] = oklab(paint.r, paint.g, paint.b);
    }
    return named;
  }();
  const Vector seen = oklab(pixel[0], pixel[1], pixel[2]);
  const auto closer = [&](const Vector& a, const Vector& b) {
    return squared_distance(a, seen) < squared_distance(b, seen);
  };
  return static_cast<Color>(std::min_element(kNamed.begin(), kNamed.end(), closer) -
                            kNamed.begin());
}

/// The picture as floats, each pixel the mean of its surroundings, which takes noise away.
std::vector<Vector> smoothed(const image::Image& picture) {
  const int width = picture.width, height = picture.height, reach = std::max(1, width / 100);
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

/// Weighted votes of pixels for named colours, and the mean pixel behind the winner.
struct Ballot {
  std::array<float, kColors> votes{};
  std::array<Vector, kColors> sums{};

  void add(const Vector& pixel, float weight) {
    const int color = static_cast<int>(nearest(pixel));
    votes[color] += weight;
    for (int c = 0; c < 3; ++c) sums[color][c] += weight * pixel[c];
  }
  Color winner() const {
    return static_cast<Color>(std::max_element(votes.begin(), votes.end()) - votes.begin());
  }
  Vector mean() const {
    const int color = static_cast<int>(winner());
    Vector mean;
    for (int c = 0; c < 3; ++c) mean[c] = sums[color][c] / votes[color];
    return mean;
  }
};

Ballot vote_rim(const std::vector<Vector>& pixels, int width, int height) {
  Ballot ballot;
  const int rim = std::max(1, std::min(width, height) / 20);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      if (std::min({x, y, width - 1 - x, height - 1 - y}) < rim)
        ballot.add(pixels[y * width + x], 1);
  return ballot;
}

/// The middle and half length of where the counts lie, but for 1 % at either end.
std::pair<float, float> span(const std::vector<int>& counts) {
  const int total = std::accumulate(counts.begin(), counts.end(), 0), skipped = total / 100;
  int first = 0, last = static_cast<int>(counts.size()) - 1;
  for (int seen = counts[first]; seen <= skipped;) seen += counts[++first];
  for (int seen = counts[last]; seen <= skipped;) seen += counts[--last];
  return {(first + last + 1) / 2.0f, (last + 1 - first) / 2.0f};
}

}  // namespace

Color nearest_color(std::uint8_t r, std::uint8_t g, std::uint8_t b) {
  return nearest({static_cast<float>(r), static_cast<float>(g), static_cast<float>(b)});
}

Measured measure(const image::Image& picture) {
  const int width = picture.width, height = picture.height;
  const std::vector<Vector> pixels = smoothed(picture);
  const Ballot rim = vote_rim(pixels, width, height);
  const Vector ground = rim.mean();
  Measured measured{.background = rim.winner(), .object = rim.winner()};

  Ballot rest;
  int count = 0;
  for (const Vector& pixel : pixels) {
    const float apart = squared_distance(pixel, ground);
    if (apart < kStandsOut * kStandsOut) continue;
    rest.add(pixel, apart);  // pixels on the edge are mixtures, nearer to the ground: count less
    ++count;
  }
  if (count < kSmallestShare * static_cast<float>(pixels.size())) return measured;
  measured.object = rest.winner();

  const Vector object = rest.mean();
  std::vector<int> columns(width), rows(height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const Vector& pixel = pixels[y * width + x];
      if (squared_distance(pixel, object) < squared_distance(pixel, ground))
        ++columns[x], ++rows[y];
    }
  const auto [cx, half_width] = span(columns);
  const auto [cy, half_height] = span(rows);
  measured.cx = cx / width;
  measured.cy = cy / height;
  measured.extent = std::max(half_width / width, half_height / height);
  return measured;
}

image::Image crop_to_object(const image::Image& picture, int size) {
  const Measured seen = measure(picture);
  const float half = seen.extent > 0 ? 1.2f * seen.extent : 0.5f;
  const float step = 2 * half * picture.width / size;
  const float left = (seen.cx - half) * picture.width,
              top = seen.cy * picture.height - size * step / 2;
  image::Image crop(size, size, 3);
  const auto sample = [&](int x, int y) {
    return picture.at(std::clamp(x, 0, picture.width - 1), std::clamp(y, 0, picture.height - 1));
  };
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) {
      const float u = left + (x + 0.5f) * step - 0.5f, v = top + (y + 0.5f) * step - 0.5f;
      const float fx = std::floor(u), fy = std::floor(v), du = u - fx, dv = v - fy;
      const int x0 = static_cast<int>(fx), y0 = static_cast<int>(fy);
      for (int c = 0; c < 3; ++c) {
        const float upper = std::lerp(sample(x0, y0)[c] * 1.0f, sample(x0 + 1, y0)[c] * 1.0f, du);
        const float lower =
            std::lerp(sample(x0, y0 + 1)[c] * 1.0f, sample(x0 + 1, y0 + 1)[c] * 1.0f, du);
        crop.at(x, y)[c] = static_cast<std::uint8_t>(std::lerp(upper, lower, dv) + 0.5f);
      }
    }
  return crop;
}

}  // namespace invokeai::drawer
