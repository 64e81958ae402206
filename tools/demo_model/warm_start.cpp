#include "demo_model/warm_start.h"

#include <ATen/core/grad_mode.h>

#include "models/load_model.h"
#include "models/tensors.h"

namespace invokeai::demo {
namespace {

/// Whether a kernel [out,in,...] of the file is one of the network with fewer inputs.
bool is_narrower(const at::Tensor& published, const at::Tensor& wanted) {
  if (published.dim() != 4 || wanted.dim() != 4) return false;
  return published.size(0) == wanted.size(0) && published.size(1) < wanted.size(1) &&
         published.sizes().slice(2) == wanted.sizes().slice(2);
}

}  // namespace

Result<int> warm_start(nn::Module& network, const fs::path& folder, const std::string& stem) {
  const auto source = models::open_component(folder, {stem}, true);
  if (!source) {
    if (source.error().code == ErrorCode::not_found) return 0;
    return tl::unexpected(source.error());
  }
  at::NoGradGuard no_grad;
  int taken = 0;
  network.visit_parameters([&](const std::string& name, at::Tensor& parameter) {
    const models::TensorView* view = source->find(name);
    if (view == nullptr) {
      if (name.find(".proj_out.") != std::string::npos) parameter.zero_();
      return;
    }
    const at::Tensor published = models::as_tensor(*view);
    if (published.sizes() == parameter.sizes()) {
      parameter.copy_(published);
    } else if (is_narrower(published, parameter)) {
      parameter.zero_();
      parameter.slice(1, 0, published.size(1)).copy_(published);
    } else {
      return;
    }
    ++taken;
  });
  return taken;
}

}  // namespace invokeai::demo
