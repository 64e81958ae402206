#pragma once
// What can be said of samplers without libtorch.

#include <string_view>

namespace invokeai::pipeline {

/// Whether Karras noise levels can be asked of it: not where the noise levels are part of the sampler.
bool follows_karras(std::string_view sampler);

}  // namespace invokeai::pipeline
