#include "image/orientation.h"

#include <cstring>

namespace invokeai::image {
namespace {

/// Little- or big-endian numbers of a TIFF block; reads beyond the end give 0.
class TiffBlock {
 public:
  explicit TiffBlock(std::string_view bytes) : bytes_(bytes), big_(bytes.substr(0, 2) == "MM") {}

  std::uint32_t number(std::size_t offset, int size) const {
    if (offset > bytes_.size() || bytes_.size() - offset < static_cast<std::size_t>(size)) return 0;
    std::uint32_t value = 0;
    for (int i = 0; i < size; ++i) {
      const auto byte = static_cast<std::uint8_t>(bytes_[offset + i]);
      value |= static_cast<std::uint32_t>(byte) << 8 * (big_ ? size - 1 - i : i);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool big_;
};

}  // namespace

int exif_orientation(std::string_view exif) {
  if (exif.starts_with(std::string_view("Exif\0\0", 6))) exif.remove_prefix(6);
  if (!exif.starts_with("II") && !exif.starts_with("MM")) return 1;
  const TiffBlock block(exif);
  if (block.number(2, 2) != 42) return 1;
  const std::size_t directory = block.number(4, 4);
  const std::uint32_t entries = block.number(directory, 2);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + std::size_t{12} * i;
    if (entry >= exif.size()) break;
    if (block.number(entry, 2) != 0x0112) continue;
    const std::uint32_t value = block.number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
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
