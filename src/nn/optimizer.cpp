#include "nn/optimizer.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

namespace invokeai::nn {

AdamW::AdamW(Module& module, const AdamWOptions& options,
             const std::function<bool(const std::string&)>& learns)
    : options_(options) {
  module.visit_parameters([&](const std::string& name, at::Tensor& p) {
    if (learns && !learns(name)) return;
    p = p.detach().requires_grad_(true);
    names_.push_back(name);
    parameters_.push_back(p);
    const at::Tensor values = p.detach().to(at::kFloat);
    master_.push_back(values.clone());
    average_.push_back(values.clone());
    first_moment_.push_back(at::zeros_like(values));
    second_moment_.push_back(at::zeros_like(values));
    steps_.push_back(at::zeros({}, values.options()));
  });
}

double AdamW::step(double learning_rate) {
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
  at::_foreach_add_(steps_, 1);
  at::_fused_adamw_(master_, gradients, first_moment_, second_moment_, {}, steps_, learning_rate,
                    options_.beta1, options_.beta2, options_.weight_decay, options_.eps,
                    /*amsgrad=*/false, /*maximize=*/false);
  at::_foreach_copy_(parameters_, master_);
  const double done = steps_.front().item<double>();
  const double decay = std::min(options_.ema_decay, (1 + done) / (10 + done));
  at::_foreach_lerp_(average_, master_, 1 - decay);
  return norm;
}

namespace {

void put(std::map<std::string, at::Tensor>& out, const std::string& kind,
         const std::vector<std::string>& names, const std::vector<at::Tensor>& tensors) {
  for (std::size_t i = 0; i < names.size(); ++i) out[kind + names[i]] = tensors[i];
}

bool take(const std::map<std::string, at::Tensor>& in, const std::string& kind,
          const std::vector<std::string>& names, std::vector<at::Tensor>& tensors) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = in.find(kind + names[i]);
    if (found == in.end() || found->second.sizes() != tensors[i].sizes()) return false;
    tensors[i].copy_(found->second);
  }
  return true;
}

}  // namespace

std::map<std::string, at::Tensor> AdamW::state() const {
  std::map<std::string, at::Tensor> out;
  put(out, "master.", names_, master_);
  put(out, "moment1.", names_, first_moment_);
  put(out, "moment2.", names_, second_moment_);
  put(out, "average.", names_, average_);
  out["steps"] = steps_.front();
  return out;
}

bool AdamW::restore(const std::map<std::string, at::Tensor>& state) {
  at::NoGradGuard no_grad;
  const auto steps = state.find("steps");
  if (steps == state.end() || !take(state, "master.", names_, master_) ||
      !take(state, "moment1.", names_, first_moment_) ||
      !take(state, "moment2.", names_, second_moment_) ||
      !take(state, "average.", names_, average_))
    return false;
  for (auto& count : steps_) count.copy_(steps->second.reshape({}));
  at::_foreach_copy_(parameters_, master_);
  return true;
}

std::map<std::string, at::Tensor> AdamW::averaged() const {
  std::map<std::string, at::Tensor> out;
  put(out, "", names_, average_);
  return out;
}

std::map<std::string, at::Tensor> AdamW::master() const {
  std::map<std::string, at::Tensor> out;
  put(out, "", names_, master_);
  return out;
}

}  // namespace invokeai::nn
