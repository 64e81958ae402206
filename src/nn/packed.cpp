#include "nn/packed.h"

#include "nn/internal/operators.h"
#include "nn/threads.h"

namespace invokeai::nn {
namespace {

using OptionalTensor = std::optional<at::Tensor>;
using OptionalText = std::optional<std::string_view>;
using Scalars = c10::List<std::optional<at::Scalar>>;
using Ints = at::IntArrayRef;

/// The handle of an operator that has no C++ header; made for torch.compile, stable since 2.0.
template <class Signature>
c10::TypedOperatorHandle<Signature> find(const char* name, const char* overload = "") {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Signature>();
}

bool has_operators() {
  static const bool has =
      at::hasMKLDNN() && has_all({"mkldnn::_linear_pointwise", "mkldnn::_convolution_pointwise",
                                  "mkldnn::_reorder_linear_weight"});
  return has;
}

OptionalTensor optional(const at::Tensor& tensor) {
  return tensor.defined() ? OptionalTensor(tensor) : std::nullopt;
}

}  // namespace

bool can_pack(const at::Tensor& weight) {
  return weight.is_cpu() && !weight.is_mkldnn() && has_operators() &&
         (weight.scalar_type() == at::kFloat || weight.scalar_type() == at::kBFloat16);
}

at::Tensor pack_linear(const at::Tensor& weight) {
  static const auto reorder = find<at::Tensor(const at::Tensor&, std::optional<std::int64_t>)>(
      "mkldnn::_reorder_linear_weight");
  return reorder.call(weight, std::nullopt);
}

at::Tensor pack_conv2d(const at::Tensor& weight, const ConvShape& s) {
  return at::mkldnn_reorder_conv2d_weight(weight.to_mkldnn(), {s.padding, s.padding},
                                          {s.stride, s.stride}, {1, 1}, 1);
}

at::Tensor packed_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         const at::Tensor& addend) {
  static const auto plain =
      find<at::Tensor(const at::Tensor&, const at::Tensor&, const OptionalTensor&, std::string_view,
                      Scalars, OptionalText)>("mkldnn::_linear_pointwise");
  static const auto adding =
      find<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const OptionalTensor&,
                      std::string_view)>("mkldnn::_linear_pointwise", "binary");
  const AllThreads threads;
  if (addend.defined()) return adding.call(x, addend, weight, optional(bias), "add");
  return plain.call(x, weight, optional(bias), "none", Scalars(), "");
}

at::Tensor packed_conv2d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                         const ConvShape& s, const at::Tensor& addend) {
  static const auto plain =
      find<at::Tensor(const at::Tensor&, const at::Tensor&, const OptionalTensor&, Ints, Ints, Ints,
                      std::int64_t, std::string_view, Scalars, OptionalText)>(
          "mkldnn::_convolution_pointwise");
  static const auto adding =
      find<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const OptionalTensor&,
                      Ints, Ints, Ints, std::int64_t, std::string_view, std::optional<at::Scalar>,
                      OptionalText, Scalars, OptionalText)>("mkldnn::_convolution_pointwise",
                                                            "binary");
  const AllThreads threads;
  const std::int64_t padding[] = {s.padding, s.padding}, stride[] = {s.stride, s.stride},
                     dilation[] = {1, 1};
  if (addend.defined())
    return adding.call(x, addend, weight, optional(bias), padding, stride, dilation, 1, "add",
                       std::nullopt, std::nullopt, Scalars(), std::nullopt);
  return plain.call(x, weight, optional(bias), padding, stride, dilation, 1, "none", Scalars(), "");
}

}  // namespace invokeai::nn
