#include "pipeline/device.h"

#include <ATen/Context.h>

namespace invokeai::pipeline {
namespace {

/// Emulated bfloat16 is slower than float32, so only real instructions count.
bool cpu_computes_bfloat16() {
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

Result<at::Device> pick_device(const std::string& wanted, std::string& reason) {
  const bool cuda = at::hasCUDA(), mps = at::hasMPS();
  if (wanted == "auto") {
    if (cuda) return reason = "a CUDA or ROCm card was found", at::Device(at::kCUDA, 0);
    if (mps) return reason = "an Apple GPU was found", at::Device(at::kMPS);
    return reason = "no usable GPU was found", at::Device(at::kCPU);
  }
  reason = "asked for with --device";
  if (wanted == "cpu") return at::Device(at::kCPU);
  if (wanted == "mps" && mps) return at::Device(at::kMPS);
  if (wanted.starts_with("cuda") && cuda) {
    const at::Device device(wanted);
    return at::Device(at::kCUDA, device.has_index() ? device.index() : 0);
  }
  return fail(ErrorCode::unsupported, "", "the device {} is not available here; use --device auto or cpu",
              wanted);
}

}  // namespace

Result<DeviceChoice> choose_device(const std::string& device, const std::string& precision) {
  DeviceChoice choice;
  TRY_ASSIGN(choice.device, pick_device(device, choice.reason));
  choice.device_name = choice.device.str();
  const bool cpu = choice.device.is_cpu();
  std::string why;
  if (precision == "auto" || precision == "int8") {
    choice.dtype = cpu ? (cpu_computes_bfloat16() ? at::kBFloat16 : at::kFloat)
                       : (choice.device.is_mps() ? at::kFloat : at::kHalf);
    why = cpu ? (choice.dtype == at::kBFloat16 ? "the processor computes in bfloat16"
                                               : "the processor has no bfloat16 arithmetic")
              : "usual for this device";
  } else {
    why = "asked for with --precision";
    choice.dtype = precision == "float32"    ? at::kFloat
                   : precision == "bfloat16" ? at::kBFloat16
                                             : at::kHalf;
    if (cpu && choice.dtype == at::kHalf) {
      // float16 kernels of the CPU are up to a hundred times slower and gain nothing.
      choice.dtype = cpu_computes_bfloat16() ? at::kBFloat16 : at::kFloat;
      why = "float16 is not usable on a CPU, this is the nearest";
    }
  }
  if (precision == "int8") {
    if (!cpu)
      return fail(ErrorCode::unsupported, "",
                  "--precision int8 computes on the CPU; use --device cpu, or another precision on {}",
                  choice.device_name);
    choice.int8 = true;
    why = choice.dtype == at::kBFloat16 ? "asked for with --precision; the rest in bfloat16"
                                        : "asked for with --precision; the rest in float32";
  }
  choice.precision_name = choice.int8                     ? "int8"
                          : choice.dtype == at::kFloat      ? "float32"
                          : choice.dtype == at::kBFloat16 ? "bfloat16"
                                                          : "float16";
  choice.reason = fmt::format("{} ({}), {} ({})", choice.device_name, choice.reason,
                              choice.precision_name, why);
  return choice;
}

TunedConvolutions::TunedConvolutions(bool wanted) : before_(at::globalContext().benchmarkCuDNN()) {
  if (wanted) at::globalContext().setBenchmarkCuDNN(true);
}

TunedConvolutions::~TunedConvolutions() { at::globalContext().setBenchmarkCuDNN(before_); }

void set_repeatable_convolutions(bool repeatable) {
  at::globalContext().setDeterministicCuDNN(repeatable);
}

}  // namespace invokeai::pipeline
