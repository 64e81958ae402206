#pragma once
// The weights of a network where they lie in its files, brought into memory when they are wanted.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "models/formats/tensor_source.h"
#include "nn/module.h"

namespace invokeai::models {

class StoredWeights final : public nn::WeightSource {
 public:
  struct Options {
    at::Device device = at::kCPU;
    at::ScalarType dtype = at::kFloat;
    nn::WeightForm form = nn::WeightForm::as_loaded;
  };

  /// For a network without weights, which must outlive this. The file stays mapped. Errors: those of
  /// check_parameters.
  static Result<std::unique_ptr<StoredWeights>> open(nn::Module& network, TensorSource source,
                                                     const std::string& part,
                                                     const Options& options);

  /// Fills and packs what is missing at and below a node of the network.
  void bring(nn::Module& node) override;
  /// The same but for some nodes and what is below them.
  void bring_but(nn::Module& node, const std::vector<nn::Module*>& apart);
  void drop(nn::Module& node) override;
  /// What is brought from now on has this type.
  void set_type(at::ScalarType dtype) { options_.dtype = dtype; }
  /// True when something at or below the node was brought.
  bool has(nn::Module& node) const;

  /// Bytes that `bring` takes for the node and what is below it, packed.
  std::int64_t bytes(nn::Module& node) const;

 private:
  StoredWeights(TensorSource source, const Options& options)
      : source_(std::move(source)), options_(options) {}

  TensorSource source_;
  Options options_;
  std::map<const nn::Module*, std::string> names_;  // of all nodes of the network
  std::set<const nn::Module*> present_;
};

}  // namespace invokeai::models
