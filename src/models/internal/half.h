#pragma once
// Numbers of two bytes from one form to another, as fast as memory allows.

#include <cstddef>
#include <cstdint>

namespace invokeai::models {

/// IEEE half precision to bfloat16, through f32, rounded to the nearest, ties to even; NaN stays NaN.
void half_to_bfloat16(const std::uint16_t* from, std::uint16_t* to, std::size_t count);

}  // namespace invokeai::models
