#include "nn/module.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

#include "nn/memory.h"

namespace invokeai::nn {

void Module::visit_own_parameters(const Visitor& visit) {
  for (auto& [name, parameter] : parameters_) visit(name, *parameter);
}

void Module::visit_parameters(const Visitor& visit, const std::string& prefix) {
  for (auto& [name, parameter] : parameters_) visit(prefix + name, *parameter);
  for (auto& [name, child] : children_) child->visit_parameters(visit, prefix + name + ".");
}

void Module::visit_modules(const std::function<void(Module&)>& visit) {
  for (auto& [name, child] : children_) {
    visit(*child);
    child->visit_modules(visit);
  }
}

void Module::visit_named_modules(
    const std::function<void(const std::string& name, Module&)>& visit, const std::string& name) {
  visit(name, *this);
  for (auto& [own, child] : children_)
    child->visit_named_modules(visit, name.empty() ? own : name + "." + own);
}

void Module::pack(WeightForm form) {
  pack_node(form);
  for (auto& [name, child] : children_) child->pack(form);
}

void Module::pack_node(WeightForm form) {
  keep_tensor_memory();
  pack_own(exact_ ? WeightForm::as_loaded : form);
}

std::int64_t Module::own_packed_bytes(WeightForm form, at::ScalarType type) {
  const auto element = static_cast<std::int64_t>(at::elementSize(type));
  std::int64_t sum = 0;
  for (const auto& [name, p] : parameters_)
    sum += p->numel() * (form == WeightForm::int8 && p->dim() > 1 ? 1 : element);
  return sum;
}

void Module::drop() {
  drop_own();
  for (auto& [name, parameter] : parameters_)
    *parameter = at::empty(parameter->sizes(), at::TensorOptions().device(at::kMeta));
  for (auto& [name, child] : children_) child->drop();
}

void Module::add(std::string name, at::Tensor& parameter, at::IntArrayRef shape) {
  parameter = at::empty(shape, at::TensorOptions().device(at::kMeta));
  parameters_.emplace_back(std::move(name), &parameter);
}

void Module::add(std::string name, Module& child) {
  children_.emplace_back(std::move(name), &child);
}

void convert(Module& module, at::Device device, at::ScalarType dtype) {
  module.visit_parameters([&](const std::string&, at::Tensor& p) {
    if (is_shape(p)) return;
    TORCH_CHECK(!p.is_mkldnn(), "packed weights cannot be converted: load them again");
    p = p.to(device, dtype);
    if (p.dim() == 4) p = p.contiguous(at::MemoryFormat::ChannelsLast);
  });
}

void initialise(Module& module, std::uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  double bound = 1;  // of the weight seen last: its bias follows it in the tree
  module.visit_parameters([&](const std::string& name, at::Tensor& p) {
    at::Tensor fresh = at::empty(p.sizes(), at::TensorOptions().dtype(at::kFloat));
    const bool is_bias = name.ends_with("bias");
    if (name.find("embedding.weight") != std::string::npos) {
      fresh.normal_(0, 0.02, generator);
    } else if (p.dim() == 1 && name.find("norm") != std::string::npos) {
      fresh.fill_(is_bias ? 0 : 1);
    } else {
      if (!is_bias) bound = 1 / std::sqrt(static_cast<double>(p[0].numel()));
      fresh.uniform_(-bound, bound, generator);
    }
    p = fresh;
  });
}

std::int64_t parameter_count(Module& module) {
  std::int64_t count = 0;
  module.visit_parameters([&](const std::string&, at::Tensor& p) { count += p.numel(); });
  return count;
}

}  // namespace invokeai::nn
