#include "pipeline/latent_rules.h"

#include <algorithm>
#include <cmath>

namespace invokeai::pipeline {
namespace {

constexpr double kWarmUp = 0.2;

double limit_at(double threshold, double share) {
  return share < kWarmUp ? threshold * (1 + 5 * (1 - share / kWarmUp)) : threshold;
}

/// Whether a rule for this share of the run is due after step `step` of `steps`.
bool is_due(double wanted, int step, int steps) {
  if (wanted <= 0) return false;
  const double last = double(step - 1) / steps;
  return last < wanted && (wanted <= double(step) / steps || step == steps - 1);
}

/// The second half along `dim` becomes the mirror image of the first; a middle line stays.
at::Tensor mirrored(const at::Tensor& latents, std::int64_t dim) {
  const std::int64_t half = latents.size(dim) / 2;
  return at::cat({latents.slice(dim, 0, half), latents.flip({dim}).slice(dim, half)}, dim);
}

}  // namespace

LatentRules::LatentRules(const LatentRuleOptions& options, const std::vector<std::uint32_t>& seeds)
    : options_(options) {
  for (const std::uint32_t seed : seeds) streams_.emplace_back(seed ^ 0x9E3779B9u);
}

at::Tensor LatentRules::apply(const at::Tensor& latents, const sampling::CompletedStep& done) {
  at::Tensor x = latents;
  if (options_.threshold > 0) {
    const double deviation = std::hypot(done.next.alpha, done.next.sigma);
    const double share = double(done.step) / done.steps;
    x = limited(x / deviation, limit_at(options_.threshold, share)) * deviation;
  }
  if (is_due(options_.h_symmetry, done.step, done.steps)) x = mirrored(x, 3);
  if (is_due(options_.v_symmetry, done.step, done.steps)) x = mirrored(x, 2);
  return x;
}

/// latents [B,4,h,w] of unit variance.
at::Tensor LatentRules::limited(const at::Tensor& latents, double limit) {
  std::vector<at::Tensor> pictures;
  for (std::int64_t i = 0; i < latents.size(0); ++i) {
    at::Tensor x = latents.slice(0, i, i + 1);
    const auto random = [&] {
      return streams_[static_cast<std::size_t>(i)].uniform(x.sizes()).to(x.options());
    };
    // The bound is never below 1 unless the limit itself is.
    const auto bound = [&](double extreme) {
      return std::min(std::max(0.7 * extreme, 1.0), limit);
    };
    const double highest = x.max().item<double>(), lowest = x.min().item<double>();
    if (highest > limit)
      x = at::where(x > bound(highest), random() * bound(highest), x);
    if (lowest < -limit)
      x = at::where(x < -bound(-lowest), random() * -bound(-lowest), x);
    pictures.push_back(x);
  }
  return at::cat(pictures);
}

}  // namespace invokeai::pipeline
