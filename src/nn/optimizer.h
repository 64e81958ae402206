#pragma once
// AdamW (Loshchilov & Hutter 2019) and Muon (Jordan 2024) for networks that compute in bf16: the
// weights that learn are f32 copies, rounded back into the network after each step, with an
// exponential moving average beside.

#include <cstddef>
#include <functional>
#include <vector>

#include "nn/module.h"

namespace invokeai::nn {

struct OptimizerOptions {
  double beta1 = 0.9;
  double beta2 = 0.99;
  double eps = 1e-8;
  double weight_decay = 0.01;
  double clip_norm = 1.0;    ///< gradients are scaled down to this global norm
  double ema_decay = 0.999;  ///< of the averaged weights; ramps up over the first steps
  /// Parameters that move as Muon moves them, if they are matrices (the kernels of a convolution
  /// are read as [out, in*h*w]); all others by AdamW.
  std::function<bool(const std::string& name)> orthogonal = {};
};

class Optimizer {
 public:
  /// Takes the module's parameters as they are (device and type) and makes them require gradients;
  /// where `learns` is given, those it answers yes to by name, and leaves the others alone.
  Optimizer(Module& module, const OptimizerOptions& options,
            const std::function<bool(const std::string& name)>& learns = {});

  /// One update from the gradients of the last backward(), which are then cleared.
  /// Returns the gradient norm before clipping. A non-finite norm skips the update.
  double step(double learning_rate);

  /// Everything needed to go on later, by parameter name: master weights, moments, average.
  std::map<std::string, at::Tensor> state() const;
  /// Restores what `state` gave; false if a tensor is missing or has another shape.
  bool restore(const std::map<std::string, at::Tensor>& state);

  /// The averaged weights, f32, by parameter name.
  std::map<std::string, at::Tensor> averaged() const;
  /// The learning weights, f32, by parameter name.
  std::map<std::string, at::Tensor> master() const;

 private:
  OptimizerOptions options_;
  /// Muon's step for the matrix at this place: along Nesterov's momentum made orthogonal, as long
  /// as a step of Adam usually is (Liu 2025, "Muon is scalable for LLM training", 2.2).
  void move_orthogonally(std::size_t place, const at::Tensor& gradient, double learning_rate);

  std::vector<std::string> names_;
  std::vector<at::Tensor> parameters_;  // in the network
  std::vector<at::Tensor> master_, first_moment_, second_moment_, average_;
  std::vector<std::size_t> orthogonal_, others_;  // places in all of these
  at::Tensor steps_;                              // f32 scalar
};

}  // namespace invokeai::nn
