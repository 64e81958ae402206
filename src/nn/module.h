#pragma once
// The least a network needs to be: a tree of named tensors. Not torch::nn::Module, whose headers
// cost 40-60 s of compile time a file; ATen alone gives tensors, kernels and autograd.

#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace invokeai::nn {

/// A node of the tree. Parameters and children are registered by their owner's constructor under
/// the names diffusers and transformers use, so a name in a file is a path in the tree.
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;  // children are registered by address
  Module& operator=(const Module&) = delete;

  using Visitor = std::function<void(const std::string& name, at::Tensor& parameter)>;
  /// Calls `visit` with every parameter below this node and its dotted name.
  void visit_parameters(const Visitor& visit, const std::string& prefix = "");
  /// Calls `visit` with every node below this one.
  void visit_modules(const std::function<void(Module&)>& visit);
  /// Brings the weights below this node into the form they are fastest in, for inference alone:
  /// gradients end, and a packed parameter is opaque (`to_dense` reads it, `convert` unpacks it).
  /// Does nothing where there is no faster form.
  void pack();

 protected:
  /// Registers a parameter of this shape. It starts on the meta device (a shape without memory)
  /// and gets its values from a file or from `initialise`.
  void add(std::string name, at::Tensor& parameter, at::IntArrayRef shape);
  void add(std::string name, Module& child);
  /// Packs the parameters of this very node.
  virtual void pack_own() {}

 private:
  std::vector<std::pair<std::string, at::Tensor*>> parameters_;
  std::vector<std::pair<std::string, Module*>> children_;
};

/// Moves every parameter to a device and type; convolution weights become channels-last.
void convert(Module& module, at::Device device, at::ScalarType dtype);

/// Fresh weights for training: uniform within 1/sqrt(fan in) for matrices, kernels and their biases,
/// normal(0, 0.02) for embeddings, 1 and 0 for norms. Same seed, same weights.
void initialise(Module& module, std::uint64_t seed);

/// Number of parameters below this node.
std::int64_t parameter_count(Module& module);

}  // namespace invokeai::nn
