// Samplers that reuse what the network said at earlier steps.
#include <array>
#include <deque>

#include "sampling/internal/run.h"

namespace invokeai::sampling {
namespace {

/// The integral from `from` to `to` of the Lagrange polynomial that is 1 at nodes[j] and 0 at the
/// other nodes. Exact: two Gauss points integrate polynomials up to degree 3, and nodes are at
/// most 4.
double lagrange_integral(const std::vector<double>& nodes, std::size_t j, double from, double to) {
  const double middle = (from + to) / 2, half = (to - from) / 2;
  double sum = 0;
  for (double point : {middle - half / std::sqrt(3.0), middle + half / std::sqrt(3.0)}) {
    double product = 1;
    for (std::size_t l = 0; l < nodes.size(); ++l)
      if (l != j) product *= (point - nodes[l]) / (nodes[j] - nodes[l]);
    sum += product;
  }
  return sum * half;
}

/// Exact VP or VE step from `now` to `next` if the clean latents were `original` all the way.
/// Source: Lu et al. 2022, "DPM-Solver++", equation 9.
at::Tensor first_order(const at::Tensor& x, const at::Tensor& original, const NoiseLevel& now,
                       const NoiseLevel& next) {
  const double h = next.lambda() - now.lambda();
  return (next.sigma / now.sigma) * x - (next.alpha * std::expm1(-h)) * original;
}

}  // namespace

/// Linear multistep of order up to 4 on uneven sigmas (generation spec 5.1). The order follows the
/// number of stored derivatives, so image to image starts correctly (2.3.0 used the schedule
/// index).
void sample_lms(Run& run) {
  constexpr std::size_t kOrder = 4;
  at::Tensor x = run.latents();
  std::deque<at::Tensor> derivatives;  // newest first
  for (int k = 0; run.active(k); ++k) {
    derivatives.push_front(run.predict(x, run.level(k)).noise);
    if (derivatives.size() > kOrder) derivatives.pop_back();
    std::vector<double> nodes;
    for (std::size_t j = 0; j < derivatives.size(); ++j) nodes.push_back(run.sigma(k - int(j)));
    at::Tensor next = x;
    for (std::size_t j = 0; j < derivatives.size(); ++j)
      next = next + derivatives[j] * lagrange_integral(nodes, j, run.sigma(k), run.sigma(k + 1));
    x = run.complete(k, next);
  }
}

/// Pseudo linear multistep. Source: Liu et al. 2022, "Pseudo Numerical Methods for Diffusion Models
/// on Manifolds", equation 12, with the first step as a pseudo improved Euler step (generation
/// spec 5.3). Raw outputs are combined, then read as noise at the current point.
void sample_plms(Run& run) {
  static const std::vector<std::vector<double>> kAdamsBashforth = {
      {1.0},
      {3. / 2, -1. / 2},
      {23. / 12, -16. / 12, 5. / 12},
      {55. / 24, -59. / 24, 37. / 24, -9. / 24}};
  at::Tensor x = run.latents();
  std::deque<at::Tensor> outputs;  // newest first
  // Equation 9: alpha'/alpha * (x - sigma * noise) + sigma' * noise
  auto transfer = [&](int k, const at::Tensor& raw) {
    const NoiseLevel &now = run.level(k), &next = run.level(k + 1);
    const at::Tensor noise = run.interpret(x, now, raw).noise;
    const double scale = next.alpha / now.alpha;
    return x * scale + noise * (next.sigma - now.sigma * scale);
  };
  for (int k = 0; run.active(k); ++k) {
    outputs.push_front(run.predict(x, run.level(k)).raw);
    if (outputs.size() > kAdamsBashforth.size()) outputs.pop_back();
    at::Tensor combined;
    if (k == 0 && !run.last(k)) {
      const Estimate ahead = run.predict(transfer(k, outputs[0]), run.level(k + 1));
      combined = (outputs[0] + ahead.raw) / 2;
    } else {
      const auto& weights = kAdamsBashforth[outputs.size() - 1];
      combined = weights[0] * outputs[0];
      for (std::size_t j = 1; j < outputs.size(); ++j)
        combined = combined + weights[j] * outputs[j];
    }
    x = run.complete(k, transfer(k, combined));
  }
}

/// DPM-Solver++(2M), on VP or VE levels alike. First order in the first step, and in the last one
/// of short schedules or when it ends at sigma 0. Source: Lu et al. 2022, "DPM-Solver++", Alg. 2;
/// generation spec 5.4 and 6.
void sample_dpmpp_2m(Run& run) {
  constexpr int kShortSchedule = 15;
  at::Tensor x = run.latents(), before;
  for (int k = 0; run.active(k); ++k) {
    const NoiseLevel &now = run.level(k), &next = run.level(k + 1);
    const at::Tensor original = run.predict(x, now).original;
    at::Tensor target = original;
    const bool careful =
        run.last(k) && (next.sigma == 0 || run.plan().options.steps < kShortSchedule);
    if (k > 0 && !careful) {
      const double r = (now.lambda() - run.level(k - 1).lambda()) / (next.lambda() - now.lambda());
      target = original + (original - before) / (2 * r);
    }
    x = run.complete(k, first_order(x, target, now, next));
    before = original;
  }
}

/// UniPC of order 2 (B2), predicting clean latents: every new evaluation first corrects the step
/// that led to it, then predicts the next. Source: Zhao et al. 2023, "UniPC", Alg. 5 and 6; order 1
/// in the first and last step.
void sample_unipc(Run& run) {
  at::Tensor x = run.latents(), start, before, earlier;  // `start`: x before the last step
  for (int k = 0; run.active(k); ++k) {
    const at::Tensor original = run.predict(x, run.level(k)).original;
    if (k > 0) {
      const NoiseLevel &now = run.level(k), &last = run.level(k - 1);
      const double h = now.lambda() - last.lambda(), b = std::expm1(-h);
      const double phi1 = b / -h - 1, phi2 = phi1 / -h - 0.5;  // phi functions times h, h^2
      at::Tensor correction = (original - before) * 0.5;
      if (k > 1) {
        const double r = (run.level(k - 2).lambda() - last.lambda()) / h;
        const double b0 = phi1 / b, b1 = 2 * phi2 / b, older = (b0 - b1) / (1 - r);
        correction = (earlier - before) * (older / r) + (original - before) * (b0 - older);
      }
      x = first_order(start, before, last, now) - correction * (now.alpha * b);
    }
    const NoiseLevel &now = run.level(k), &next = run.level(k + 1);
    at::Tensor moved = first_order(x, original, now, next);
    if (k > 0 && !run.last(k)) {
      const double h = next.lambda() - now.lambda();
      const double r = (run.level(k - 1).lambda() - now.lambda()) / h;
      moved = moved - (before - original) * (0.5 / r * next.alpha * std::expm1(-h));
    }
    start = x;
    earlier = before;
    before = original;
    x = run.complete(k, moved);
  }
}

}  // namespace invokeai::sampling
