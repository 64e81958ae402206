#include "drawer/measure.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "drawer/pixels.h"

namespace invokeai::drawer {
namespace {

constexpr float kStandsOut = 60;         // from the background, in 8-bit RGB
constexpr float kLoudest = 150;          // differences beyond this weigh no more
constexpr float kSmallestShare = 0.01f;  // of the picture, to count as an object

/// The named colours in Oklab.
const std::array<Vector, kColors>& named_colors() {
  static const auto kNamed = [] {
    std::array<Vector, kColors> named;
    for (int i = 0; i < kColors; ++i) named[i] = oklab(static_cast<Color>(i));
    return named;
  }();
  return kNamed;
}

Color nearest(const Vector& pixel, Vocabulary vocabulary) {
  const auto& named = named_colors();
  const Vector seen = oklab(pixel);
  const auto closer = [&](const Vector& a, const Vector& b) {
    return squared_distance(a, seen) < squared_distance(b, seen);
  };
  const auto end = named.begin() + (vocabulary == Vocabulary::basic ? kBasicColors : kColors);
  return static_cast<Color>(std::min_element(named.begin(), end, closer) - named.begin());
}

/// Weighted votes of pixels for named colours, and the mean pixel behind the winner.
struct Ballot {
  Vocabulary vocabulary;
  std::array<float, kColors> votes{};
  std::array<Vector, kColors> sums{};

  void add(const Vector& pixel, float weight) {
    const int color = static_cast<int>(nearest(pixel, vocabulary));
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

Ballot vote_rim(const std::vector<Vector>& pixels, int width, int height, Vocabulary vocabulary) {
  Ballot ballot{.vocabulary = vocabulary};
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

Color nearest_color(std::uint8_t r, std::uint8_t g, std::uint8_t b, Vocabulary vocabulary) {
  return nearest({static_cast<float>(r), static_cast<float>(g), static_cast<float>(b)}, vocabulary);
}

Measured measure(const image::Image& picture, Vocabulary vocabulary) {
  const int width = picture.width, height = picture.height;
  const std::vector<Vector> pixels = smoothed(picture);
  const Ballot rim = vote_rim(pixels, width, height, vocabulary);
  const Vector ground = rim.mean();
  Measured measured{.background = rim.winner(), .object = rim.winner()};

  Ballot rest{.vocabulary = vocabulary};
  int count = 0;
  for (const Vector& pixel : pixels) {
    const float apart = squared_distance(pixel, ground);
    if (apart < kStandsOut * kStandsOut) continue;
    // A thing's small white or black parts must not outvote it.
    rest.add(pixel, std::min(apart, kLoudest * kLoudest));  // pixels on the edge are mixtures,
                                                            // nearer to the ground: count less
    ++count;
  }
  if (count < kSmallestShare * static_cast<float>(pixels.size())) return measured;
  measured.object = rest.winner();

  const Vector object = rest.mean();
  std::vector<int> columns(width), rows(height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const Vector& pixel = pixels[y * width + x];
      const float apart = squared_distance(pixel, ground);
      // Things, unlike figures, have parts of other colours than their own.
      const bool is_part = vocabulary == Vocabulary::full && apart > kStandsOut * kStandsOut;
      if (is_part || squared_distance(pixel, object) < apart) ++columns[x], ++rows[y];
    }
  const auto [cx, half_width] = span(columns);
  const auto [cy, half_height] = span(rows);
  measured.cx = cx / width;
  measured.cy = cy / height;
  measured.extent = std::max(half_width, half_height) / std::min(width, height);
  return measured;
}

image::Image crop_to_object(const image::Image& picture, int size) {
  const Measured seen = measure(picture);
  const float half = (seen.extent > 0 ? 1.2f * seen.extent : 0.5f) *
                     static_cast<float>(std::min(picture.width, picture.height));
  const float step = 2 * half / size;
  const float left = seen.cx * picture.width - half, top = seen.cy * picture.height - half;
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
