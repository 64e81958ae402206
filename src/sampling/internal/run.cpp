#include "sampling/internal/run.h"

namespace invokeai::sampling {

Estimate Run::interpret(const at::Tensor& x, const NoiseLevel& level, const at::Tensor& raw) const {
  // Everything in unit-variance terms: input = a * clean + b * noise with a^2 + b^2 = 1.
  const double scale = 1 / std::hypot(level.alpha, level.sigma);
  const double a = level.alpha * scale, b = level.sigma * scale;
  const at::Tensor input = x * scale;
  switch (plan_.prediction_type) {
    case PredictionType::epsilon:
      return {(input - b * raw) / a, raw, raw};
    case PredictionType::v_prediction:  // Salimans and Ho 2022, appendix D
      return {a * input - b * raw, a * raw + b * input, raw};
    case PredictionType::sample:
      return {raw, (input - a * raw) / b, raw};
  }
  INVOKEAI_CHECK(false);
}

Estimate Run::predict(const at::Tensor& x, const NoiseLevel& level) {
  if (evaluation_ == 0) sigma_ = level.ratio();
  report(x);
  if (stopped_) return {x, x, x};
  INVOKEAI_CHECK(evaluation_ < plan_.evaluations());
  const at::Tensor input = x / std::hypot(level.alpha, level.sigma);
  const at::Tensor raw = denoiser_(input, plan_.timesteps[evaluation_]).to(x.options());
  Estimate estimate = interpret(x, level, raw);
  original_ = estimate.original;
  sigma_ = level.ratio();
  ++evaluation_;
  return estimate;
}

at::Tensor Run::noise(const at::Tensor& x) {
  if (stopped_) return x;
  INVOKEAI_CHECK(noise_ != nullptr);
  return noise_(x).to(x.options());
}

void Run::skip_noise(const at::Tensor& x) {
  if (noise_ && !stopped_) noise_(x);
}

at::Tensor Run::complete(int k, const at::Tensor& x) {
  if (stopped_) return x;
  latents_ = x;
  if (hooks_.after_step)
    latents_ = hooks_.after_step(x, {k, plan_.steps(), last(k) ? NoiseLevel{} : level(k + 1)});
  return latents_;
}

void Run::report(const at::Tensor& x) {
  if (stopped_ || !hooks_.observer) return;
  const double timestep = plan_.timesteps[std::max(evaluation_ - 1, 0)];
  stopped_ = !hooks_.observer({evaluation_, plan_.evaluations(), timestep, sigma_, x, original_});
}

}  // namespace invokeai::sampling
