#include "image/color_correct.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/result.h"
#include "image/compose.h"
#include "image/convert.h"
#include "image/filters.h"
#include "image/internal/lab.h"

namespace invokeai::image {
namespace {

constexpr double kFlat = 1.0;  ///< spread in levels below which a colour counts as flat

std::uint8_t to_level(double value) {
  return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

struct Statistics {
  double mean = 0;
  double spread = 0;  ///< standard deviation of the population
};

/// Of one channel of RGB, over the pixels that `chosen` marks with anything but 0.
Statistics statistics(const Image& picture, int channel, const std::vector<bool>& chosen) {
  double count = 0, sum = 0, squares = 0;  // whole numbers, exact
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (!chosen[i]) continue;
    const double value = picture.pixels[3 * i + static_cast<std::size_t>(channel)];
    count += 1;
    sum += value;
    squares += value * value;
  }
  const double mean = sum / count;
  return {mean, std::sqrt(std::max(0.0, squares / count - mean * mean))};
}

std::vector<bool> kept_pixels(const Image& original, const Image& mask) {
  std::vector<bool> kept(mask.pixels.size());
  for (std::size_t i = 0; i < kept.size(); ++i)
    kept[i] = mask.pixels[i] > 0 && (original.channels != 4 || original.pixels[4 * i + 3] > 0);
  return kept;
}

/// Quantile of every level: the share of pixels that are not above it.
std::array<double, 256> quantiles(const std::vector<std::uint8_t>& samples, int channel) {
  std::array<std::size_t, 256> counts{};
  for (std::size_t i = static_cast<std::size_t>(channel); i < samples.size(); i += 3)
    ++counts[samples[i]];
  std::array<double, 256> shares{};
  std::size_t sum = 0;
  for (std::size_t level = 0; level < 256; ++level) {
    sum += counts[level];
    shares[level] = static_cast<double>(3 * sum) / static_cast<double>(samples.size());
  }
  return shares;
}

/// For every level of the source the level of the reference at the same quantile, rounded down.
std::array<std::uint8_t, 256> level_map(const std::array<double, 256>& source,
                                        const std::array<double, 256>& reference) {
  std::vector<std::pair<double, double>> points;  // quantile, level; levels that occur
  for (std::size_t level = 0; level < 256; ++level)
    if (reference[level] > (level > 0 ? reference[level - 1] : 0.0))
      points.emplace_back(reference[level], static_cast<double>(level));
  std::array<std::uint8_t, 256> map{};
  for (std::size_t level = 0; level < 256; ++level) {
    const double share = source[level];
    const auto above =
        std::find_if(points.begin(), points.end(), [&](const auto& p) { return p.first >= share; });
    double value = above == points.end() ? points.back().second : above->second;
    if (above != points.begin() && above != points.end()) {
      const auto& below = *(above - 1);
      value = below.second +
              (above->second - below.second) * (share - below.first) / (above->first - below.first);
    }
    map[level] = static_cast<std::uint8_t>(value);
  }
  return map;
}

}  // namespace

Image match_mean_and_spread(const Image& generated, const Image& original, const Image& mask) {
  INVOKEAI_CHECK_EQ(generated.channels, 3);
  INVOKEAI_CHECK(generated.width == original.width && generated.height == original.height);
  INVOKEAI_CHECK(generated.width == mask.width && generated.height == mask.height);
  const auto kept = kept_pixels(original, mask);
  Image result = generated;
  if (std::find(kept.begin(), kept.end(), true) == kept.end()) return result;
  const Image color = with_channels(original, 3);
  for (int c = 0; c < 3; ++c) {
    const Statistics from = statistics(generated, c, kept);
    const Statistics to = statistics(color, c, kept);
    const bool flat = from.spread < kFlat || to.spread < kFlat;
    const double gain = flat ? 1.0 : to.spread / from.spread;
    for (std::size_t i = static_cast<std::size_t>(c); i < result.pixels.size(); i += 3)
      result.pixels[i] = to_level((result.pixels[i] - from.mean) * gain + to.mean);
  }
  return result;
}

Image paste_mask(const Image& mask, const Image& original, int blur_radius) {
  INVOKEAI_CHECK(blur_radius >= 0);
  const Image soft = blur_radius > 0 ? box_blur(erode(mask, blur_radius / 2), blur_radius) : mask;
  return multiply(soft, alpha_of(original));
}

Image paste_kept(const Image& generated, const Image& original, const Image& mask,
                 int blur_radius) {
  return blend(match_mean_and_spread(generated, original, mask), with_channels(original, 3),
               paste_mask(mask, original, blur_radius));
}

Image match_colors(const Image& picture, const Image& reference) {
  INVOKEAI_CHECK(!picture.pixels.empty() && !reference.pixels.empty());
  Image lab = lab_from_rgb(with_channels(picture, 3));
  const Image wanted = lab_from_rgb(with_channels(reference, 3));
  for (int c = 0; c < 3; ++c) {
    const auto map = level_map(quantiles(lab.pixels, c), quantiles(wanted.pixels, c));
    for (std::size_t i = static_cast<std::size_t>(c); i < lab.pixels.size(); i += 3)
      lab.pixels[i] = map[lab.pixels[i]];
  }
  return rgb_from_lab(lab);
}

}  // namespace invokeai::image
