#include "image/tiles.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace invokeai::image {
namespace {

/// Where the tiles of one direction begin.
std::vector<int> starts(int size, int tile, int overlap) {
  std::vector<int> result;
  for (int start = 0; start + tile < size; start += tile - overlap) result.push_back(start);
  result.push_back(size - tile);
  return result;
}

Result<int> overlap_pixels(double overlap, int tile) {
  const double pixels = std::round(overlap < 1 ? overlap * tile : overlap);
  if (!(pixels >= 0 && pixels < tile))
    return fail(ErrorCode::invalid_argument, "image.tiles",
                "tiles of {} pixels cannot overlap by {}; wanted a share from 0 to below 1, or "
                "fewer pixels than a tile has",
                tile, overlap);
  return static_cast<int>(pixels);
}

/// Weight 0..1 of each pixel of one direction of a tile: a ramp over the overlap at either end.
std::vector<double> ramp(const std::vector<int>& starts, std::size_t n, int tile) {
  const int before = n > 0 ? starts[n - 1] + tile - starts[n] : 0;
  const int after = n + 1 < starts.size() ? starts[n] + tile - starts[n + 1] : 0;
  std::vector<double> weights(static_cast<std::size_t>(tile));
  for (int i = 0; i < tile; ++i) {
    const double rise = i < before ? (i + 0.5) / before : 1.0;
    const double fall = tile - 1 - i < after ? (tile - 0.5 - i) / after : 1.0;
    weights[static_cast<std::size_t>(i)] = rise * fall;
  }
  return weights;
}

/// Mean absolute difference of one pair of lines: columns (or rows) `a` and `b`.
double line_difference(const Image& picture, bool columns, int a, int b) {
  const int length = columns ? picture.height : picture.width;
  double sum = 0;
  for (int i = 0; i < length; ++i) {
    const std::uint8_t* first = columns ? picture.at(a, i) : picture.at(i, a);
    const std::uint8_t* second = columns ? picture.at(b, i) : picture.at(i, b);
    for (int c = 0; c < picture.channels; ++c) sum += std::abs(first[c] - second[c]);
  }
  return sum / length / picture.channels;
}

double jump(const Image& picture, bool columns) {
  const int lines = columns ? picture.width : picture.height;
  const double across = line_difference(picture, columns, lines - 1, 0);
  double inside = 0;
  for (int i = 0; i + 1 < lines; ++i) inside += line_difference(picture, columns, i, i + 1);
  if (inside == 0) return std::max(across, 1.0);
  return across / (inside / (lines - 1));
}

}  // namespace

Box TileLayout::box(int index) const {
  INVOKEAI_CHECK(index >= 0 && index < count());
  const auto columns = static_cast<int>(lefts.size());
  return {lefts[static_cast<std::size_t>(index % columns)],
          tops[static_cast<std::size_t>(index / columns)], tile_width, tile_height};
}

Result<TileLayout> make_tile_layout(int width, int height, int tile_width, int tile_height,
                                    double overlap) {
  if (width < 1 || height < 1 || tile_width < 1 || tile_height < 1)
    return fail(ErrorCode::invalid_argument, "image.tiles",
                "cannot lay tiles of {} x {} pixels on {} x {}; wanted at least 1 x 1", tile_width,
                tile_height, width, height);
  TRY_ASSIGN(const int overlap_x, overlap_pixels(overlap, tile_width));
  TRY_ASSIGN(const int overlap_y, overlap_pixels(overlap, tile_height));
  TileLayout layout{width, height, std::min(tile_width, width), std::min(tile_height, height),
                    {},    {}};
  layout.lefts = starts(width, layout.tile_width, overlap_x);
  layout.tops = starts(height, layout.tile_height, overlap_y);
  return layout;
}

Result<std::vector<int>> parse_tile_numbers(const std::vector<double>& numbers,
                                            const TileLayout& layout) {
  std::vector<int> indices;
  for (const double number : numbers) {
    if (!(number >= 1 && number <= layout.count()) || number != std::floor(number))
      return fail(ErrorCode::invalid_argument, "image.tiles",
                  "there is no tile {}; this picture has {} x {} tiles, numbered from 1 to {}",
                  number, layout.lefts.size(), layout.tops.size(), layout.count());
    indices.push_back(static_cast<int>(number) - 1);
  }
  for (int i = 0; numbers.empty() && i < layout.count(); ++i) indices.push_back(i);
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  return indices;
}

Image tile_weights(const TileLayout& layout, int index) {
  INVOKEAI_CHECK(index >= 0 && index < layout.count());
  const auto columns = layout.lefts.size();
  const auto across =
      ramp(layout.lefts, static_cast<std::size_t>(index) % columns, layout.tile_width);
  const auto down =
      ramp(layout.tops, static_cast<std::size_t>(index) / columns, layout.tile_height);
  Image weights(layout.tile_width, layout.tile_height, 1);
  auto* weight = weights.pixels.data();
  for (const double y : down)
    for (const double x : across)
      *weight++ = static_cast<std::uint8_t>(std::max(1L, std::lround(255 * x * y)));
  return weights;
}

Image assembled(const TileLayout& layout, const Image& background,
                const std::vector<PaintedTile>& tiles) {
  INVOKEAI_CHECK(background.channels == 3 && background.width == layout.width &&
                 background.height == layout.height);
  std::vector<const Image*> painted(static_cast<std::size_t>(layout.count()));
  for (const PaintedTile& tile : tiles) {
    INVOKEAI_CHECK(tile.picture.channels == 3 && tile.picture.width == layout.tile_width &&
                   tile.picture.height == layout.tile_height);
    painted.at(static_cast<std::size_t>(tile.index)) = &tile.picture;
  }
  std::vector<std::uint32_t> sums(background.pixels.size());
  std::vector<std::uint32_t> totals(background.pixels.size() / 3);
  for (int index = 0; index < layout.count(); ++index) {
    const Box box = layout.box(index);
    const Image weights = tile_weights(layout, index);
    const Image* const tile = painted[static_cast<std::size_t>(index)];
    for (int y = 0; y < box.height; ++y) {
      for (int x = 0; x < box.width; ++x) {
        const int left = box.left + x, top = box.top + y;
        const std::uint32_t weight = *weights.at(x, y);
        const std::uint8_t* from = tile != nullptr ? tile->at(x, y) : background.at(left, top);
        const std::size_t to = static_cast<std::size_t>(top) * layout.width + left;
        for (std::size_t c = 0; c < 3; ++c) sums[3 * to + c] += weight * from[c];
        totals[to] += weight;
      }
    }
  }
  Image result(layout.width, layout.height, 3);
  for (std::size_t i = 0; i < sums.size(); ++i)
    result.pixels[i] = static_cast<std::uint8_t>((sums[i] + totals[i / 3] / 2) / totals[i / 3]);
  return result;
}

EdgeJump edge_jump(const Image& picture) {
  INVOKEAI_CHECK(!picture.pixels.empty());
  return {jump(picture, true), jump(picture, false)};
}

}  // namespace invokeai::image
