#pragma once
// A rectangle of pixels.

namespace invokeai::image {

/// Pixels; left and top may be negative where the box stands over the edge of a picture.
struct Box {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;

  int right() const { return left + width; }   ///< first column behind the box
  int bottom() const { return top + height; }  ///< first row below the box
  bool operator==(const Box&) const = default;
};

}  // namespace invokeai::image
