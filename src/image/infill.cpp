#include "image/infill.h"

#include <algorithm>
#include <cmath>

#include "image/compose.h"
#include "image/convert.h"
#include "image/internal/pcg64.h"
#include "image/internal/pyramid.h"

namespace invokeai::image {
namespace {

HoleLevel hole_level(const Image& picture) {
  HoleLevel level;
  level.width = picture.width;
  level.height = picture.height;
  const auto size = static_cast<std::size_t>(picture.width) * picture.height;
  level.color.resize(3 * size);
  level.known.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    level.known[i] = picture.pixels[4 * i + 3] == 255 ? 1 : 0;
    for (std::size_t c = 0; c < 3; ++c) level.color[3 * i + c] = picture.pixels[4 * i + c];
  }
  // Soft edges alone must do where nothing is fully opaque.
  if (std::find(level.known.begin(), level.known.end(), 1) == level.known.end())
    for (std::size_t i = 0; i < size; ++i) level.known[i] = picture.pixels[4 * i + 3] > 0 ? 1 : 0;
  return level;
}

Image rgb_of(const HoleLevel& level) {
  Image picture(level.width, level.height, 3);
  for (std::size_t i = 0; i < picture.pixels.size(); ++i)
    picture.pixels[i] =
        static_cast<std::uint8_t>(std::lround(std::clamp(level.color[i], 0.0f, 255.0f)));
  return picture;
}

Image smooth(const Image& picture) {
  HoleLevel level = hole_level(picture);
  fill_smooth(level);
  return rgb_of(level);
}

Image patches(const Image& picture, std::uint64_t seed) {
  HoleLevel level = hole_level(picture);
  fill_with_patches(level, seed);
  return rgb_of(level);
}

Image solid(const Image& picture, const std::array<std::uint8_t, 3>& color) {
  Image result(picture.width, picture.height, 3);
  for (std::size_t i = 0; i < result.pixels.size(); ++i) result.pixels[i] = color[i % 3];
  return result;
}

/// Whether the tile lies inside the picture and is visible everywhere.
bool is_donor(const Image& picture, const Box& tile) {
  if (tile.right() > picture.width || tile.bottom() > picture.height) return false;
  for (int y = tile.top; y < tile.bottom(); ++y)
    for (int x = tile.left; x < tile.right(); ++x)
      if (picture.at(x, y)[3] == 0) return false;
  return true;
}

Image tiles(const Image& picture, int size, std::uint64_t seed) {
  INVOKEAI_CHECK(size >= 1);
  std::vector<Box> donors, gaps;
  for (int y = 0; y < picture.height; y += size) {
    for (int x = 0; x < picture.width; x += size) {
      const Box tile{x, y, size, size};
      (is_donor(picture, tile) ? donors : gaps).push_back(tile);
    }
  }
  if (donors.empty()) return smooth(picture);
  Image result = with_channels(picture, 3);
  const Image source = result;
  Pcg64 random(seed);
  for (const Box& gap : gaps) {
    const Box& donor = donors[random.below(static_cast<std::uint32_t>(donors.size()))];
    place(result, crop(source, donor), gap.left, gap.top);
  }
  return result;
}

Image filled(const Image& picture, const InfillOptions& options) {
  switch (options.method) {
    case InfillMethod::patchmatch:
      return patches(picture, options.seed);
    case InfillMethod::tile:
      return tiles(picture, options.tile_size, options.seed);
    case InfillMethod::smooth:
      return smooth(picture);
    case InfillMethod::solid:
      break;
  }
  return solid(picture, options.color);
}

}  // namespace

const std::vector<std::string_view>& infill_method_names() {
  static const std::vector<std::string_view> names = {"patchmatch", "tile", "smooth", "solid"};
  return names;
}

std::string_view infill_method_name(InfillMethod method) {
  return infill_method_names()[static_cast<std::size_t>(method)];
}

Result<InfillMethod> parse_infill_method(std::string_view name) {
  const auto& names = infill_method_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    return fail(ErrorCode::invalid_argument, "image.infill",
                "there is no infill method '{}'; choose from {}", name, fmt::join(names, ", "));
  return static_cast<InfillMethod>(found - names.begin());
}

Image infill(const Image& picture, const InfillOptions& options) {
  INVOKEAI_CHECK(!picture.pixels.empty());
  const Image alpha = alpha_of(picture);
  const auto [least, most] = std::minmax_element(alpha.pixels.begin(), alpha.pixels.end());
  if (*least == 255) return with_channels(picture, 3);
  if (*most == 0) return solid(picture, options.color);
  return blend(filled(picture, options), with_channels(picture, 3), alpha);
}

}  // namespace invokeai::image
