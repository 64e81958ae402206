#include "jobs/grid.h"

#include <algorithm>
#include <cmath>

#include "base/result.h"

namespace invokeai::jobs {

image::Image make_grid(std::span<const image::Image> pictures) {
  INVOKEAI_CHECK(!pictures.empty());
  const int count = static_cast<int>(pictures.size());
  const int rows = static_cast<int>(std::sqrt(static_cast<double>(count)));
  const int columns = (count + rows - 1) / rows;
  const image::Image& first = pictures.front();
  image::Image grid(first.width * columns, first.height * rows, first.channels);
  for (int i = 0; i < count; ++i) {
    const image::Image& picture = pictures[i];
    INVOKEAI_CHECK(picture.width == first.width && picture.height == first.height &&
                   picture.channels == first.channels);
    for (int y = 0; y < picture.height; ++y)
      std::copy_n(picture.at(0, y), picture.width * picture.channels,
                  grid.at(i % columns * first.width, i / columns * first.height + y));
  }
  return grid;
}

}  // namespace invokeai::jobs
