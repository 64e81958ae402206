#pragma once
// Painted scenes as tensors.

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "drawer/scene.h"

namespace invokeai::demo {

/// The scenes painted: [count,3,height,width] f32 in [-1,1]. Painted on several threads; the result
/// does not depend on how many there are.
at::Tensor paint_batch(const std::vector<drawer::Scene>& scenes, drawer::Extent extent);

/// Scenes of the seeds first, first+1, ...
std::vector<drawer::Scene> random_scenes(std::uint64_t first, int count,
                                         const drawer::SceneOptions& options = {});

}  // namespace invokeai::demo
