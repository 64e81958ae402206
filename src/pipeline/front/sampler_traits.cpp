#include "pipeline/sampler_traits.h"

#include <algorithm>
#include <array>

namespace invokeai::pipeline {

bool follows_karras(std::string_view sampler) {
  static constexpr std::array<std::string_view, 4> kOwnLevels{"ddim", "plms", "pndm", "lcm"};
  return std::ranges::find(kOwnLevels, sampler) == kOwnLevels.end();
}

}  // namespace invokeai::pipeline
