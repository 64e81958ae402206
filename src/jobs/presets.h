#pragma once
// Settings that go well together, by one name (`--preset`).

#include "base/settings.h"

namespace invokeai::jobs {

/// Sets what the preset in `values` stands for and nobody gave: sampler, steps, noise levels, and for
/// models distilled to few steps the guidance. Nothing without a preset.
void take_preset(SettingValues& values);

}  // namespace invokeai::jobs
