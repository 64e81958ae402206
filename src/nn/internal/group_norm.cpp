#include "nn/internal/group_norm.h"

#include <torch/csrc/autograd/custom_function.h>

#include <optional>

#include "nn/internal/tensors.h"

namespace invokeai::nn {
namespace {

using torch::autograd::AutogradContext, torch::autograd::tensor_list;

constexpr auto kLayout = at::MemoryFormat::ChannelsLast;

template <class T>
GroupNormProblem<T> problem_of(const GroupNormTerms& terms) {
  return {.x = memory<T>(terms.x),
          .weight = memory<T>(terms.weight),
          .bias = memory<T>(terms.bias),
          .shift = memory<T>(terms.shift),
          .batch = terms.x.size(0),
          .pixels = terms.x.size(2) * terms.x.size(3),
          .channels = terms.x.size(1),
          .groups = terms.groups,
          .eps = static_cast<float>(terms.eps),
          .silu = terms.silu};
}

/// Runs the kernel; `moments` [B, groups, 2] f32 is filled where it is defined.
void run(const GroupNormTerms& terms, const at::Tensor& out, const at::Tensor& moments) {
  const auto fill = [&]<class T>(GroupNormProblem<T> problem) {
    problem.out = memory_to_write<T>(out);
    if (moments.defined()) problem.moments = memory_to_write<float>(moments);
    run_group_norm(problem, parallel_for);
  };
  if (is_half(terms.x))
    fill(problem_of<Bf16>(terms));
  else
    fill(problem_of<float>(terms));
}

at::Tensor empty_map(const at::Tensor& like) {
  return at::empty_like(like, like.options(), kLayout);
}

/// The same for those who learn: keeps what went in and the moments, nothing between.
class DifferentiableNorm : public torch::autograd::Function<DifferentiableNorm> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const std::optional<at::Tensor>& shift, const at::Tensor& weight,
                            const at::Tensor& bias, std::int64_t groups, double eps, bool silu) {
    const GroupNormTerms terms{x, shift.value_or(at::Tensor()), weight, bias, groups, eps, silu};
    const at::Tensor out = empty_map(x);
    const at::Tensor moments = at::empty({x.size(0), groups, 2}, x.options().dtype(at::kFloat));
    run(terms, out, moments);
    context->save_for_backward({x, terms.shift, weight, bias, moments});
    context->saved_data["groups"] = groups;
    context->saved_data["silu"] = silu;
    return out;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list kept = context->get_saved_variables();
    const GroupNormTerms terms{.x = kept[0],
                               .shift = kept[1],
                               .weight = kept[2],
                               .bias = kept[3],
                               .groups = context->saved_data["groups"].toInt(),
                               .silu = context->saved_data["silu"].toBool()};
    const at::Tensor gradient = gradients[0].contiguous(kLayout), moments = kept[4];
    const auto numbers = moments.options();
    const at::Tensor by_x = empty_map(terms.x),
                     by_weight = at::empty(terms.weight.sizes(), numbers),
                     by_bias = at::empty(terms.bias.sizes(), numbers);
    at::Tensor by_shift;
    if (terms.shift.defined()) by_shift = at::empty(terms.shift.sizes(), numbers);
    const auto fill = [&]<class T>(GroupNormProblem<T> problem) {
      problem.moments = memory_to_write<float>(moments);
      run_group_norm_gradients(
          GroupNormGradients<T>{
              .norm = problem,
              .gradient = memory<T>(gradient),
              .x_gradient = memory_to_write<T>(by_x),
              .weight_gradient = memory_to_write<float>(by_weight),
              .bias_gradient = memory_to_write<float>(by_bias),
              .shift_gradient = by_shift.defined() ? memory_to_write<float>(by_shift) : nullptr},
          parallel_for);
    };
    if (is_half(terms.x))
      fill(problem_of<Bf16>(terms));
    else
      fill(problem_of<float>(terms));
    const auto type = terms.x.scalar_type();
    return {by_x,
            by_shift.defined() ? by_shift.to(type) : by_shift,
            by_weight.to(type),
            by_bias.to(type),
            {},
            {},
            {}};
  }
};

bool asks_for_gradients(const GroupNormTerms& terms) {
  if (!at::GradMode::is_enabled()) return false;
  const auto asks = [](const at::Tensor& x) { return x.defined() && x.requires_grad(); };
  return asks(terms.x) || asks(terms.shift) || asks(terms.weight) || asks(terms.bias);
}

}  // namespace

bool kernels_can_norm(const GroupNormTerms& terms) {
  static const bool available = kernels_available();
  const at::Tensor &x = terms.x, &weight = terms.weight;
  return available && x.is_cpu() && is_plain(x) && x.dim() == 4 && x.is_contiguous(kLayout) &&
         weight.is_cpu() && weight.scalar_type() == x.scalar_type() && weight.is_contiguous() &&
         (!terms.shift.defined() || terms.shift.scalar_type() == x.scalar_type());
}

at::Tensor kernel_group_norm(GroupNormTerms terms) {
  if (terms.shift.defined()) terms.shift = terms.shift.contiguous();
  if (asks_for_gradients(terms))
    return DifferentiableNorm::apply(
        terms.x, terms.shift.defined() ? std::optional(terms.shift) : std::nullopt, terms.weight,
        terms.bias, terms.groups, terms.eps, terms.silu);
  const at::Tensor& x = terms.x;
  const bool only_ours =
      x.use_count() == 1 && x.storage().use_count() == 1 && !at::GradMode::is_enabled();
  const at::Tensor out = only_ours ? x : empty_map(x);
  run(terms, out, {});
  return out;
}

}  // namespace invokeai::nn
