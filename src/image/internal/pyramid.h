#pragma once
// A picture with a hole at several sizes, for filling the hole coarse to fine.

#include <cstdint>
#include <vector>

namespace invokeai::image {

struct HoleLevel {
  int width = 0;
  int height = 0;
  std::vector<float> color;         ///< [height,width,3], 0..255
  std::vector<std::uint8_t> known;  ///< [height,width], 0 in the hole
};

/// Half the size (rounded up): each pixel is the mean of the known ones of its four, known if there
/// is any. So the hole shrinks by more than half.
HoleLevel halved(const HoleLevel& level);

/// Gives colours to the unknown pixels so that each is near the mean of its neighbours. At least
/// one pixel must be known. Push and pull (Gortler et al. 1996), then relaxation on every level.
void fill_smooth(HoleLevel& level);

/// Gives colours to the unknown pixels out of patches of the known part. At least one pixel must be
/// known. Source: Wexler, Shechtman, Irani 2007 (coarse-to-fine voting) with the nearest-neighbour
/// search of Barnes et al. 2009 (PatchMatch).
void fill_with_patches(HoleLevel& level, std::uint64_t seed);

}  // namespace invokeai::image
