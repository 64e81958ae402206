#pragma once
// What may be done to the latents after each step: a limit for extreme values (`--threshold`) and
// mirroring (`--h_symmetry_time_pct`), as InvokeAI 2.3.1 and later do (generation spec 3).

#include <cstdint>
#include <vector>

#include "sampling/noise.h"
#include "sampling/samplers.h"

namespace invokeai::pipeline {

/// Settings of one run; 0 switches each off.
struct LatentRuleOptions {
  double threshold = 0;     ///< T, in standard deviations of the model's input
  double h_symmetry = 0;    ///< share of the run, 0..1, after which left is mirrored to right
  double v_symmetry = 0;    ///< likewise, top to bottom
};

/// Applied after every base step of a batch.
class LatentRules {
 public:
  /// One seed for each picture of the batch: what is cut off is replaced by numbers of a stream of
  /// its own, so no picture's noise depends on it.
  LatentRules(const LatentRuleOptions& options, const std::vector<std::uint32_t>& seeds);

  /// latents [B,4,h,w], in the sampler's own space at the level `done.next`; same shape back.
  ///
  /// With p = i/n for step i of n, the limit is T (1 + 5 (1 - p/0.2)) while p < 0.2, then T. If a
  /// picture's largest value exceeds the limit, all above clip(0.7 * largest, 1, limit) become
  /// random numbers between 0 and that; likewise below. 2.3.1 took latents as the sampler has them,
  /// where T means something else for each sampler; here they are measured at unit variance.
  ///
  /// Mirroring is done once, after the first step i with i/n >= share; a share that no such step
  /// reaches is done after the last (2.3.x never did).
  at::Tensor apply(const at::Tensor& latents, const sampling::CompletedStep& done);

 private:
  at::Tensor limited(const at::Tensor& latents, double limit);

  LatentRuleOptions options_;
  std::vector<sampling::NoiseStream> streams_;
};

}  // namespace invokeai::pipeline
