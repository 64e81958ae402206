#include "models/stored_weights.h"

#include "models/tensors.h"

namespace invokeai::models {

Result<std::unique_ptr<StoredWeights>> StoredWeights::open(nn::Module& network, TensorSource source,
                                                           const std::string& part,
                                                           const Options& options) {
  TRY_VOID(check_parameters(network, source, part));
  std::unique_ptr<StoredWeights> weights(new StoredWeights(std::move(source), options));
  network.visit_named_modules(
      [&](const std::string& name, nn::Module& node) { weights->names_[&node] = name; });
  return weights;
}

void StoredWeights::bring(nn::Module& node) { bring_but(node, {}); }

void StoredWeights::bring_but(nn::Module& node, const std::vector<nn::Module*>& apart) {
  std::set<const nn::Module*> skipped;
  for (nn::Module* each : apart)
    each->visit_named_modules([&](const std::string&, nn::Module& below) { skipped.insert(&below); });
  node.visit_named_modules([&](const std::string&, nn::Module& each) {
    if (skipped.contains(&each) || present_.contains(&each)) return;
    const std::string& prefix = names_.at(&each);
    each.visit_own_parameters([&](const std::string& name, at::Tensor& p) {
      const TensorView* view = source_.find(prefix.empty() ? name : prefix + "." + name);
      p = load_parameter(*view, p.sizes(), options_.device, options_.dtype);
    });
    each.pack_node(options_.form);
    present_.insert(&each);
  });
}

void StoredWeights::drop(nn::Module& node) {
  node.drop();
  node.visit_named_modules([&](const std::string&, nn::Module& each) { present_.erase(&each); });
}

bool StoredWeights::has(nn::Module& node) const {
  bool any = false;
  node.visit_named_modules([&](const std::string&, nn::Module& each) { any |= present_.contains(&each); });
  return any;
}

std::int64_t StoredWeights::bytes(nn::Module& node) const {
  std::int64_t sum = 0;
  node.visit_named_modules([&](const std::string&, nn::Module& each) {
    sum += each.packed_bytes(options_.form, options_.dtype);
  });
  return sum;
}

}  // namespace invokeai::models
