#include "models/tensors.h"

#include <ATen/core/grad_mode.h>

#include <fmt/ranges.h>

#include "models/internal/half.h"
#include "nn/threads.h"

namespace invokeai::models {

at::ScalarType scalar_type(DType dtype) {
  switch (dtype) {
    case DType::f64: return at::kDouble;
    case DType::f32: return at::kFloat;
    case DType::f16: return at::kHalf;
    case DType::bf16: return at::kBFloat16;
    case DType::i64: return at::kLong;
    case DType::i32: return at::kInt;
    case DType::i16: return at::kShort;
    case DType::i8: return at::kChar;
    case DType::u8: return at::kByte;
    case DType::boolean: return at::kBool;
    case DType::f8_e4m3: return at::kFloat8_e4m3fn;
    case DType::f8_e5m2: return at::kFloat8_e5m2;
    case DType::u16: return at::kUInt16;
    case DType::u32: return at::kUInt32;
    case DType::u64: return at::kUInt64;
  }
  return at::kFloat;
}

namespace {

DType dtype_of(at::ScalarType type) {
  for (const DType dtype : {DType::f64, DType::f32, DType::f16, DType::bf16, DType::i64, DType::i32,
                            DType::i16, DType::i8, DType::u8, DType::boolean, DType::f8_e4m3,
                            DType::f8_e5m2, DType::u16, DType::u32, DType::u64})
    if (scalar_type(dtype) == type) return dtype;
  TORCH_CHECK(false, "no file type for ", type);
}

}  // namespace

at::Tensor as_tensor(const TensorView& view) {
  const auto options = at::TensorOptions().dtype(scalar_type(view.dtype));
  if (view.element_count() == 0) return at::empty(view.shape, options);
  void* data = const_cast<std::uint8_t*>(view.data.data());
  const auto keep = [owner = view.owner](void*) {};
  const bool aligned = reinterpret_cast<std::uintptr_t>(data) % element_size(view.dtype) == 0;
  if (!aligned) {  // safetensors promises alignment only to its own header; copy the bytes
    at::Tensor bytes = at::from_blob(data, {static_cast<std::int64_t>(view.data.size())}, keep,
                                     at::TensorOptions().dtype(at::kByte)).clone();
    bytes = bytes.view(scalar_type(view.dtype));
    return view.strides.empty() ? bytes.view(view.shape) : bytes.as_strided(view.shape, view.strides);
  }
  return view.strides.empty() ? at::from_blob(data, view.shape, keep, options)
                              : at::from_blob(data, view.shape, view.strides, keep, options);
}

TensorView as_view(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().to(at::kCPU).contiguous();
  TensorView view;
  view.dtype = dtype_of(plain.scalar_type());
  view.shape = plain.sizes().vec();
  view.data = {static_cast<const std::uint8_t*>(plain.const_data_ptr()), plain.nbytes()};
  view.owner = std::make_shared<at::Tensor>(plain);
  return view;
}

std::map<std::string, TensorView> as_views(const std::map<std::string, at::Tensor>& tensors) {
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : tensors) views[name] = as_view(tensor);
  return views;
}

namespace {

/// Equal but for sides of 1 at the end: [C,C] and [C,C,1,1] are the same matrix in two dialects.
bool same_shape(at::IntArrayRef wanted, at::IntArrayRef found) {
  const auto strip = [](at::IntArrayRef shape) {
    while (!shape.empty() && shape.back() == 1) shape = shape.slice(0, shape.size() - 1);
    return shape;
  };
  return strip(wanted) == strip(found);
}

/// A copy in the type and order the networks want. Kernels that will be packed anyway stay as they
/// lie; others become channels-last.
at::Tensor load_tensor(const at::Tensor& stored, at::Device device, at::ScalarType dtype) {
  const auto options = at::TensorOptions().device(device).dtype(dtype);
  const bool packable = device.is_cpu() && (dtype == at::kFloat || dtype == at::kBFloat16);
  const bool reorder = stored.dim() == 4 && !packable;
  at::Tensor out = at::empty(stored.sizes(), options,
                             reorder ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
  const bool narrow = stored.scalar_type() == at::kHalf && dtype == at::kBFloat16;
  if (!narrow || !device.is_cpu() || !stored.is_contiguous()) return out.copy_(stored);
  const auto* from = static_cast<const std::uint16_t*>(stored.const_data_ptr());
  auto* to = static_cast<std::uint16_t*>(out.mutable_data_ptr());
  nn::divide_among_threads(stored.numel(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    half_to_bfloat16(from + begin, to + begin, static_cast<std::size_t>(end - begin));
  });
  return out;
}

}  // namespace

Result<> check_parameters(nn::Module& module, const TensorSource& source, const std::string& part) {
  int wrong = 0;
  std::string first;
  module.visit_parameters([&](const std::string& name, at::Tensor& p) {
    const TensorView* found = source.find(name);
    if (found != nullptr && same_shape(p.sizes(), found->shape)) return;
    if (wrong++ > 0) return;
    first = found == nullptr
                ? fmt::format("{} is missing", name)
                : fmt::format("{} has the shape [{}], wanted [{}]", name,
                              fmt::join(found->shape, ","), fmt::join(p.sizes(), ","));
  });
  if (wrong > 0)
    return fail(ErrorCode::bad_file, "model.load",
                "{}: {} {} not fit, first: {}; is this a complete model of the kind its config says?",
                source.name, part, wrong == 1 ? "tensor does" : fmt::format("tensors ({}) do", wrong),
                first);
  return {};
}

at::Tensor load_parameter(const TensorView& view, at::IntArrayRef shape, at::Device device,
                          at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  at::Tensor parameter = load_tensor(as_tensor(view).reshape(shape), device, dtype);
  if (view.file) view.file->give_back(view.data);
  return parameter;
}

Result<> load_parameters(nn::Module& module, const TensorSource& source, const std::string& part,
                         at::Device device, at::ScalarType dtype) {
  TRY_VOID(check_parameters(module, source, part));
  module.visit_parameters([&](const std::string& name, at::Tensor& p) {
    p = load_parameter(*source.find(name), p.sizes(), device, dtype);
  });
  return {};
}

std::map<std::string, at::Tensor> parameters_of(nn::Module& module) {
  std::map<std::string, at::Tensor> out;
  module.visit_parameters([&](const std::string& name, at::Tensor& p) { out[name] = p; });
  return out;
}

}  // namespace invokeai::models
