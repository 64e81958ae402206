#pragma once
// The least a network needs to be: a tree of named tensors. Not torch::nn::Module, whose headers
// cost 40-60 s of compile time a file; ATen alone gives tensors, kernels and autograd.

#include <ATen/ATen.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace invokeai::nn {

enum class WeightForm { as_loaded, int8 };

/// A node of the tree. Parameters and children are registered by their owner's constructor under
/// the names diffusers and transformers use, so a name in a file is a path in the tree.
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;  // children are registered by address
  Module& operator=(const Module&) = delete;

  using Visitor = std::function<void(const std::string& name, at::Tensor& parameter)>;
  /// Calls `visit` with the parameters of this very node and their own names.
  void visit_own_parameters(const Visitor& visit);
  /// Calls `visit` with every parameter below this node and its dotted name.
  void visit_parameters(const Visitor& visit, const std::string& prefix = "");
  /// Calls `visit` with every node below this one.
  void visit_modules(const std::function<void(Module&)>& visit);
  /// The same with dotted names, this node first.
  void visit_named_modules(const std::function<void(const std::string& name, Module&)>& visit,
                           const std::string& name = "");
  /// Brings the weights below this node into the form they are fastest in, for inference alone:
  /// gradients end, and a packed parameter is opaque or a mere shape. Does nothing where there is
  /// no faster form; there is no way back but to load the weights again.
  ///
  /// int8 rounds the weights of linear layers and convolutions to 8 bits, but for nodes that
  /// `stay_exact`.
  void pack(WeightForm form = WeightForm::as_loaded);
  /// The same for the parameters of this very node.
  void pack_node(WeightForm form);
  /// Bytes that the parameters of this very node take once packed.
  std::int64_t packed_bytes(WeightForm form, at::ScalarType type) {
    return own_packed_bytes(exact_ ? WeightForm::as_loaded : form, type);
  }
  /// The parameters of this very node are never rounded to 8 bits.
  void stay_exact() { exact_ = true; }
  /// Gives the memory of all weights below this node back: they are shapes again, as when made.
  void drop();

 protected:
  /// Registers a parameter of this shape. It starts on the meta device (a shape without memory)
  /// and gets its values from a file or from `initialise`.
  void add(std::string name, at::Tensor& parameter, at::IntArrayRef shape);
  void add(std::string name, Module& child);
  /// Packs the parameters of this very node.
  virtual void pack_own(WeightForm) {}
  virtual std::int64_t own_packed_bytes(WeightForm form, at::ScalarType type);
  /// Drops what `pack_own` made beside the parameters.
  virtual void drop_own() {}

 private:
  bool exact_ = false;
  std::vector<std::pair<std::string, at::Tensor*>> parameters_;
  std::vector<std::pair<std::string, Module*>> children_;
};

/// Where weights come from that are not kept in memory.
class WeightSource {
 public:
  virtual ~WeightSource() = default;
  /// Fills and packs the parameters below a node that has none in memory.
  virtual void bring(Module& node) = 0;
  /// Takes them away again.
  virtual void drop(Module& node) = 0;
};

/// A parameter that is a shape without memory.
inline bool is_shape(const at::Tensor& parameter) { return parameter.is_meta(); }

/// Moves every parameter that has memory to a device and type, before anything is packed;
/// convolution weights become channels-last.
void convert(Module& module, at::Device device, at::ScalarType dtype);

/// Fresh weights for training: uniform within 1/sqrt(fan in) for matrices, kernels and their biases,
/// normal(0, 0.02) for embeddings, 1 and 0 for norms. Same seed, same weights.
void initialise(Module& module, std::uint64_t seed);

/// Number of parameters below this node.
std::int64_t parameter_count(Module& module);

}  // namespace invokeai::nn
