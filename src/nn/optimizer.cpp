#include "nn/optimizer.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "nn/threads.h"

namespace invokeai::nn {

namespace {

constexpr double kMomentum = 0.95;

/// The matrix with its singular values brought near 1 (0.7 to 1.2), f32: five steps of Newton's and
/// Schulz's iteration with Jordan's coefficients, in bf16.
at::Tensor orthogonalised(const at::Tensor& matrix) {
  const bool tall = matrix.size(0) > matrix.size(1);
  at::Tensor x = tall ? matrix.t() : matrix;
  x = (x / (x.norm() + 1e-7)).to(at::kBFloat16).contiguous();
  for (int i = 0; i < 5; ++i) {
    const at::Tensor square = at::mm(x, x.t());
    const at::Tensor change = at::addmm(square, square, square, -4.7750, 2.0315);
    x = at::addmm(x, change, x, 3.4445, 1);
  }
  return (tall ? x.t() : x).to(at::kFloat);
}

/// Does all of them, each thread the next one that is left.
void for_each_on_threads(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  divide_among_threads(at::get_num_threads(), 1, [&](std::int64_t, std::int64_t) {
    const at::NoGradGuard no_grad;
    for (std::size_t i = next++; i < count; i = next++) work(i);
  });
}

std::vector<at::Tensor> picked(const std::vector<at::Tensor>& from,
                               const std::vector<std::size_t>& places) {
  std::vector<at::Tensor> out;
  out.reserve(places.size());
  for (const std::size_t place : places) out.push_back(from[place]);
  return out;
}

}  // namespace

Optimizer::Optimizer(Module& module, const OptimizerOptions& options,
                     const std::function<bool(const std::string&)>& learns)
    : options_(options) {
  module.visit_parameters([&](const std::string& name, at::Tensor& p) {
    if (learns && !learns(name)) return;
    p = p.detach().requires_grad_(true);
    const bool matrix = p.dim() > 1 && options.orthogonal && options.orthogonal(name);
    (matrix ? orthogonal_ : others_).push_back(names_.size());
    names_.push_back(name);
    parameters_.push_back(p);
    const at::Tensor values = p.detach().to(at::kFloat);
    master_.push_back(values.clone());
    average_.push_back(values.clone());
    first_moment_.push_back(at::zeros_like(values));
    second_moment_.push_back(matrix ? at::Tensor() : at::zeros_like(values));
    if (!steps_.defined()) steps_ = at::zeros({}, values.options());
  });
  // The largest first, so that no thread is left with one at the end.
  std::ranges::stable_sort(orthogonal_, std::greater(),
                           [&](std::size_t i) { return master_[i].numel(); });
}

void Optimizer::move_orthogonally(std::size_t place, const at::Tensor& gradient,
                                  double learning_rate) {
  at::Tensor& momentum = first_moment_[place].lerp_(gradient, 1 - kMomentum);
  const at::Tensor direction = at::lerp(gradient, momentum, kMomentum).flatten(1);
  const double length =
      0.2 * std::sqrt(static_cast<double>(std::max(direction.size(0), direction.size(1))));
  master_[place]
      .mul_(1 - learning_rate * options_.weight_decay)
      .sub_(orthogonalised(direction).view_as(master_[place]), learning_rate * length);
}

double Optimizer::step(double learning_rate) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  gradients.reserve(parameters_.size());
  for (auto& p : parameters_) {
    at::Tensor& gradient = p.mutable_grad();
    gradients.push_back(gradient.defined() ? gradient.to(at::kFloat) : at::zeros_like(p, at::kFloat));
    gradient = at::Tensor();
  }
  const double norm = at::stack(at::_foreach_norm(gradients)).norm().item<double>();
  if (!std::isfinite(norm)) return norm;
  if (norm > options_.clip_norm) at::_foreach_mul_(gradients, options_.clip_norm / norm);
  steps_.add_(1);
  if (!others_.empty())
    at::_fused_adamw_(picked(master_, others_), picked(gradients, others_),
                      picked(first_moment_, others_), picked(second_moment_, others_), {},
                      std::vector<at::Tensor>(others_.size(), steps_), learning_rate,
                      options_.beta1, options_.beta2, options_.weight_decay, options_.eps,
                      /*amsgrad=*/false, /*maximize=*/false);
  for_each_on_threads(orthogonal_.size(), [&](std::size_t i) {
    move_orthogonally(orthogonal_[i], gradients[orthogonal_[i]], learning_rate);
  });
  at::_foreach_copy_(parameters_, master_);
  const double done = steps_.item<double>();
  const double decay = std::min(options_.ema_decay, (1 + done) / (10 + done));
  at::_foreach_lerp_(average_, master_, 1 - decay);
  return norm;
}

namespace {

void put(std::map<std::string, at::Tensor>& out, const std::string& kind,
         const std::vector<std::string>& names, const std::vector<at::Tensor>& tensors) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (tensors[i].defined()) out[kind + names[i]] = tensors[i];
}

bool take(const std::map<std::string, at::Tensor>& in, const std::string& kind,
          const std::vector<std::string>& names, std::vector<at::Tensor>& tensors) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!tensors[i].defined()) continue;
    const auto found = in.find(kind + names[i]);
    if (found == in.end() || found->second.sizes() != tensors[i].sizes()) return false;
    tensors[i].copy_(found->second);
  }
  return true;
}

}  // namespace

std::map<std::string, at::Tensor> Optimizer::state() const {
  std::map<std::string, at::Tensor> out;
  put(out, "master.", names_, master_);
  put(out, "moment1.", names_, first_moment_);
  put(out, "moment2.", names_, second_moment_);
  put(out, "average.", names_, average_);
  out["steps"] = steps_;
  return out;
}

bool Optimizer::restore(const std::map<std::string, at::Tensor>& state) {
  at::NoGradGuard no_grad;
  const auto steps = state.find("steps");
  if (steps == state.end() || !take(state, "master.", names_, master_) ||
      !take(state, "moment1.", names_, first_moment_) ||
      !take(state, "moment2.", names_, second_moment_) ||
      !take(state, "average.", names_, average_))
    return false;
  steps_.copy_(steps->second.reshape({}));
  at::_foreach_copy_(parameters_, master_);
  return true;
}

std::map<std::string, at::Tensor> Optimizer::averaged() const {
  std::map<std::string, at::Tensor> out;
  put(out, "", names_, average_);
  return out;
}

std::map<std::string, at::Tensor> Optimizer::master() const {
  std::map<std::string, at::Tensor> out;
  put(out, "", names_, master_);
  return out;
}

}  // namespace invokeai::nn
