#include "image/internal/pyramid.h"

#include <algorithm>

namespace invokeai::image {
namespace {

constexpr int kSweeps = 8;

std::vector<std::size_t> hole_pixels(const HoleLevel& level) {
  std::vector<std::size_t> hole;
  for (std::size_t i = 0; i < level.known.size(); ++i)
    if (level.known[i] == 0) hole.push_back(i);
  return hole;
}

/// Colours of the hole from the level of half the size, bilinear.
void pull(HoleLevel& level, const HoleLevel& half, const std::vector<std::size_t>& hole) {
  for (const std::size_t i : hole) {
    const int x = static_cast<int>(i) % level.width;
    const int y = static_cast<int>(i) / level.width;
    const int near_x = x / 2, near_y = y / 2;
    const int far_x = std::clamp(near_x + (x % 2 == 0 ? -1 : 1), 0, half.width - 1);
    const int far_y = std::clamp(near_y + (y % 2 == 0 ? -1 : 1), 0, half.height - 1);
    const auto at = [&](int column, int row) {
      return half.color.data() + 3 * (static_cast<std::size_t>(row) * half.width + column);
    };
    for (std::size_t c = 0; c < 3; ++c)
      level.color[3 * i + c] = (9 * at(near_x, near_y)[c] + 3 * at(far_x, near_y)[c] +
                                3 * at(near_x, far_y)[c] + at(far_x, far_y)[c]) /
                               16;
  }
}

/// Replaces every pixel of the hole by the mean of its neighbours inside the picture.
void relax(HoleLevel& level, const std::vector<std::size_t>& hole) {
  const auto width = static_cast<std::size_t>(level.width);
  for (const std::size_t i : hole) {
    float sum[3] = {};
    int count = 0;
    const auto add = [&](std::size_t j) {
      for (std::size_t c = 0; c < 3; ++c) sum[c] += level.color[3 * j + c];
      ++count;
    };
    if (i % width > 0) add(i - 1);
    if (i % width + 1 < width) add(i + 1);
    if (i >= width) add(i - width);
    if (i + width < level.known.size()) add(i + width);
    if (count == 0) continue;
    for (std::size_t c = 0; c < 3; ++c) level.color[3 * i + c] = sum[c] / static_cast<float>(count);
  }
}

}  // namespace

HoleLevel halved(const HoleLevel& level) {
  HoleLevel half;
  half.width = (level.width + 1) / 2;
  half.height = (level.height + 1) / 2;
  const auto size = static_cast<std::size_t>(half.width) * half.height;
  half.color.resize(3 * size);
  half.known.resize(size);
  for (int y = 0; y < half.height; ++y) {
    for (int x = 0; x < half.width; ++x) {
      const std::size_t to = static_cast<std::size_t>(y) * half.width + x;
      float sum[3] = {};
      int count = 0;
      for (int row = 2 * y; row < std::min(2 * y + 2, level.height); ++row) {
        for (int column = 2 * x; column < std::min(2 * x + 2, level.width); ++column) {
          const std::size_t from = static_cast<std::size_t>(row) * level.width + column;
          if (level.known[from] == 0) continue;
          for (std::size_t c = 0; c < 3; ++c) sum[c] += level.color[3 * from + c];
          ++count;
        }
      }
      half.known[to] = count > 0 ? 1 : 0;
      for (std::size_t c = 0; c < 3 && count > 0; ++c)
        half.color[3 * to + c] = sum[c] / static_cast<float>(count);
    }
  }
  return half;
}

void fill_smooth(HoleLevel& level) {
  const auto hole = hole_pixels(level);
  if (hole.empty() || hole.size() == level.known.size()) return;
  HoleLevel half = halved(level);
  fill_smooth(half);
  pull(level, half, hole);
  for (int sweep = 0; sweep < kSweeps; ++sweep) relax(level, hole);
}

}  // namespace invokeai::image
