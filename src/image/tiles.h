#pragma once
// A large picture painted tile by tile (embiggen), and a look at whether a picture tiles the plane.
// Source: generation spec, 10 and 11.

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "image/box.h"
#include "image/image.h"

namespace invokeai::image {

/// Where tiles of one size lie on a picture: overlapping, the last column and row flush with the
/// right and lower edge, so with a larger overlap there.
struct TileLayout {
  int width = 0;  ///< of the picture
  int height = 0;
  int tile_width = 0;  ///< at most the picture's
  int tile_height = 0;
  std::vector<int> lefts;  ///< of the columns, rising
  std::vector<int> tops;   ///< of the rows, rising

  int count() const { return static_cast<int>(lefts.size() * tops.size()); }
  /// Tile by index from 0, row by row.
  Box box(int index) const;
};

/// Tiles needed in one direction: 1 if the tile covers it, else
/// ceil((picture - tile) / (tile - overlap)) + 1.
///   width, height            pixels of the scaled picture
///   tile_width, tile_height  pixels, at least 1; cut to the picture's size
///   overlap                  below 1: share of the tile's side, else pixels; 0 or more
/// Errors: invalid_argument (no tile size, overlap negative or not smaller than the tile).
Result<TileLayout> make_tile_layout(int width, int height, int tile_width, int tile_height,
                                    double overlap = 0.25);

/// Numbers as the user gives them, from 1, turned into indices from 0, sorted and once each; none
/// given: all.
/// Errors: invalid_argument when a number is outside 1..count.
Result<std::vector<int>> parse_tile_numbers(const std::vector<double>& numbers,
                                            const TileLayout& layout);

/// How much a tile counts, grey, size of a tile: 255 inside, falling in a straight line towards
/// each side where another tile overlaps it, over the width of that overlap; in corners the
/// product. Never 0, so that the sum of all weights never is.
Image tile_weights(const TileLayout& layout, int index);

struct PaintedTile {
  int index = 0;
  Image picture;  ///< RGB, size of a tile
};

/// The picture made of the tiles. All tiles of the layout: their mean by tile_weights() at each
/// pixel, independent of order. Some of them: the background counts with the weights of the tiles
/// that are missing, so painted tiles fade into it on the sides where their neighbour was not
/// painted. (2.3.0 lays tiles over each other with masks chosen from a table of 27 cases; this is
/// the same with one rule.)
///   background  RGB, the size of the layout's picture: the scaled original
/// Cost: about four times the picture's bytes in addition.
Image assembled(const TileLayout& layout, const Image& background,
                const std::vector<PaintedTile>& tiles);

/// How well opposite edges fit together: the mean absolute difference of neighbours across the
/// border, divided by that of neighbours inside the picture in the same direction. About 1: no seam
/// shows when the picture is tiled; much above: one does. A flat picture gives 1; one that is flat
/// inside but not across the border gives the bare difference in levels, at least 1.
struct EdgeJump {
  double across_x = 1;  ///< right edge to left edge
  double across_y = 1;  ///< lower edge to upper edge
};
EdgeJump edge_jump(const Image& picture);

}  // namespace invokeai::image
