#include "image/orientation.h"

#include <cstring>

#include "image/internal/tiff_block.h"

namespace invokeai::image {
int exif_orientation(std::string_view exif) {
  const TiffBlock block(exif);
  if (!block.valid()) return 1;
  std::uint32_t value = 0;
  block.for_each_entry(block.number(4, 4), [&](std::uint32_t tag, std::size_t entry) {
    if (tag == 0x0112 && value == 0) value = block.number(entry + 8, 2);
  });
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

Image apply_orientation(Image picture, int orientation) {
  if (orientation <= 1 || orientation > 8) return picture;
  const bool swap = orientation >= 5;  // rows become columns
  const bool mirror_x =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirror_y =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image upright(swap ? picture.height : picture.width, swap ? picture.width : picture.height,
                picture.channels);
  for (int y = 0; y < upright.height; ++y) {
    for (int x = 0; x < upright.width; ++x) {
      const int column = swap ? y : x;
      const int row = swap ? x : y;
      const std::uint8_t* from = picture.at(mirror_x ? picture.width - 1 - column : column,
                                            mirror_y ? picture.height - 1 - row : row);
      std::memcpy(upright.at(x, y), from, static_cast<std::size_t>(picture.channels));
    }
  }
  return upright;
}

}  // namespace invokeai::image
