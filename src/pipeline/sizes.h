#pragma once
// How large pictures are drawn: arithmetic on sides, in pixels. No libtorch here.

namespace invokeai::pipeline {

inline constexpr int kSizeStep = 8;      ///< sides are multiples of this
inline constexpr int kSmallestSide = 64;
inline constexpr int kLargestSide = 8192;

struct Size {
  int width = 0;
  int height = 0;
  bool operator==(const Size&) const = default;
};

/// The size a starting picture is drawn at: with `fit` the largest of its aspect inside `box`, else
/// its own; each side to the nearest multiple of 8, at least 64. 2.3.0 cut to multiples of 64, which
/// could squeeze a side by 63 pixels or down to nothing (generation spec 7.1 "Expect").
Size init_size(Size picture, bool fit, Size box);

/// The size of the first of two passes: about `native` squared pixels of the aspect of `wanted`,
/// sides multiples of 8, not below half of native and not above `wanted` (generation spec 9).
Size hires_first_size(Size wanted, int native);

}  // namespace invokeai::pipeline
