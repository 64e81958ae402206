#pragma once
// The number layer of a TIFF block, which is what EXIF data is.

#include <cstdint>
#include <string_view>

namespace invokeai::image {

/// Little- or big-endian numbers of a TIFF block; reads beyond the end give 0.
class TiffBlock {
 public:
  /// A leading "Exif\0\0" is skipped.
  explicit TiffBlock(std::string_view bytes) : bytes_(bytes) {
    if (bytes_.starts_with(std::string_view("Exif\0\0", 6))) bytes_.remove_prefix(6);
    big_ = bytes_.starts_with("MM");
  }

  bool valid() const {
    return (bytes_.starts_with("II") || bytes_.starts_with("MM")) && number(2, 2) == 42;
  }

  std::size_t size() const { return bytes_.size(); }

  std::uint32_t number(std::size_t offset, int size) const {
    const std::string_view field = bytes(offset, static_cast<std::size_t>(size));
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < field.size(); ++i)
      value |= std::uint32_t{static_cast<std::uint8_t>(field[i])}
               << 8 * (big_ ? field.size() - 1 - i : i);
    return value;
  }

  /// Nothing when the range does not lie within the block.
  std::string_view bytes(std::size_t offset, std::size_t count) const {
    if (offset > bytes_.size() || bytes_.size() - offset < count) return {};
    return bytes_.substr(offset, count);
  }

  /// Calls `visit(tag, entry_offset)` for each 12-byte entry of the directory at `offset`; stops at
  /// the end of the block.
  template <class Visit>
  void for_each_entry(std::size_t offset, Visit&& visit) const {
    const std::uint32_t entries = number(offset, 2);
    for (std::uint32_t i = 0; i < entries; ++i) {
      const std::size_t entry = offset + 2 + std::size_t{12} * i;
      if (entry >= bytes_.size()) break;
      visit(number(entry, 2), entry);
    }
  }

 private:
  std::string_view bytes_;
  bool big_ = false;
};

}  // namespace invokeai::image
