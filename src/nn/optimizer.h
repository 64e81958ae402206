#pragma once
// AdamW (Loshchilov & Hutter 2019) for networks that compute in bf16: the weights that learn are f32
// copies, rounded back into the network after each step, with an exponential moving average beside.

#include <functional>
#include <vector>

#include "nn/module.h"

namespace invokeai::nn {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.99;
  double eps = 1e-8;
  double weight_decay = 0.01;
  double clip_norm = 1.0;    ///< gradients are scaled down to this global norm
  double ema_decay = 0.999;  ///< of the averaged weights; ramps up over the first steps
};

class AdamW {
 public:
  /// Takes the module's parameters as they are (device and type) and makes them require gradients;
  /// where `learns` is given, those it answers yes to by name, and leaves the others alone.
  AdamW(Module& module, const AdamWOptions& options,
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
  AdamWOptions options_;
  std::vector<std::string> names_;
  std::vector<at::Tensor> parameters_;  // in the network
  std::vector<at::Tensor> master_, first_moment_, second_moment_, average_, steps_;
};

}  // namespace invokeai::nn
