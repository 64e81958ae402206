#include "image/mask.h"

#include <algorithm>
#include <cmath>

#include "image/compose.h"
#include "image/convert.h"
#include "image/resize.h"

namespace invokeai::image {
namespace {

constexpr int kLatentScale = 8;

/// Whether one side fits the other under the scale of the other direction.
bool side_fits(double scaled, int side) {
  return std::abs(scaled - side) <= std::max(1.0, 0.02 * side);
}

}  // namespace

bool has_transparency(const Image& picture) {
  if (picture.channels != 4) return false;
  for (std::size_t i = 3; i < picture.pixels.size(); i += 4)
    if (picture.pixels[i] != 255) return true;
  return false;
}

bool hidden_colors_erased(const Image& picture) {
  if (picture.channels != 4) return false;
  bool any = false;
  for (std::size_t i = 0; i < picture.pixels.size(); i += 4) {
    const std::uint8_t* pixel = picture.pixels.data() + i;
    if (pixel[3] != 0) continue;
    any = true;
    const bool grey = pixel[0] == pixel[1] && pixel[1] == pixel[2];
    if (!grey || (pixel[0] != 0 && pixel[0] != 255)) return false;
  }
  return any;
}

Image mask_from_picture(const Image& picture) {
  return has_transparency(picture) ? alpha_of(picture) : with_channels(picture, 1);
}

Image inverted(const Image& mask) {
  Image result = mask;
  for (auto& value : result.pixels) value = static_cast<std::uint8_t>(255 - value);
  return result;
}

Image thresholded(const Image& mask, int level) {
  Image result = mask;
  for (auto& value : result.pixels) value = value >= level ? 255 : 0;
  return result;
}

Result<Image> matched_mask(const Image& mask, int width, int height) {
  INVOKEAI_CHECK(width > 0 && height > 0 && !mask.pixels.empty());
  const double scaled_height = static_cast<double>(mask.height) * width / mask.width;
  if (!side_fits(scaled_height, height))
    return fail(ErrorCode::invalid_argument, "image.mask",
                "the mask has {} x {} pixels, but the picture has {} x {}; give a mask of the same "
                "shape",
                mask.width, mask.height, width, height);
  return resize(mask, width, height, ResizeFilter::lanczos);
}

Result<Image> make_mask(const Image& picture, const std::optional<Image>& mask_picture,
                        bool invert) {
  const Image alpha = alpha_of(picture);
  Image mask = alpha;
  if (mask_picture) {
    TRY_ASSIGN(mask, matched_mask(mask_from_picture(*mask_picture), picture.width, picture.height));
  }
  if (invert) mask = inverted(mask);
  return multiply(mask, alpha);
}

MaskCoverage coverage(const Image& mask) {
  const auto [least, most] = std::minmax_element(mask.pixels.begin(), mask.pixels.end());
  INVOKEAI_CHECK(least != mask.pixels.end());
  if (*least == kKeep) return MaskCoverage::keeps_all;
  return *most == kRepaint ? MaskCoverage::repaints_all : MaskCoverage::mixed;
}

Result<> check_repaints(const Image& mask) {
  if (coverage(mask) != MaskCoverage::keeps_all) return {};
  return fail(ErrorCode::invalid_argument, "image.mask",
              "the mask keeps every pixel, so there is nothing to paint; make what shall change "
              "black or transparent, or invert the mask");
}

std::optional<Box> repaint_box(const Image& mask) {
  int left = mask.width, right = 0, top = mask.height, bottom = 0;
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (*mask.at(x, y) == kKeep) continue;
      left = std::min(left, x);
      right = std::max(right, x + 1);
      top = std::min(top, y);
      bottom = y + 1;
    }
  }
  if (right == 0) return std::nullopt;
  return Box{left, top, right - left, bottom - top};
}

std::vector<float> latent_mask(const Image& mask) {
  INVOKEAI_CHECK(mask.channels == 1 && mask.width % kLatentScale == 0 &&
                 mask.height % kLatentScale == 0);
  constexpr int kMiddle = kLatentScale / 2 - 1;
  std::vector<float> latent;
  latent.reserve(mask.pixels.size() / (kLatentScale * kLatentScale));
  for (int y = kMiddle; y < mask.height; y += kLatentScale) {
    for (int x = kMiddle; x < mask.width; x += kLatentScale) {
      const int sum =
          *mask.at(x, y) + *mask.at(x + 1, y) + *mask.at(x, y + 1) + *mask.at(x + 1, y + 1);
      latent.push_back(1.0f - static_cast<float>(sum) / (4 * 255));
    }
  }
  return latent;
}

}  // namespace invokeai::image
