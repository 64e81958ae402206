#pragma once
// Many pictures in one.

#include <span>

#include "image/image.h"

namespace invokeai::jobs {

/// Pictures of one size in floor(sqrt(n)) rows, row by row, black where none is left (cli
/// spec 2.8). Needs at least one picture, all with three channels.
image::Image make_grid(std::span<const image::Image> pictures);

}  // namespace invokeai::jobs
