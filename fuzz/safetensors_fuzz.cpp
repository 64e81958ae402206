// Any bytes as a .safetensors file: must give tensors inside the bytes, or an error.

#include <memory>
#include <vector>

#include "models/formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto source = invokeai::models::read_safetensors({data, size}, nullptr, "fuzz");
  if (!source) return 0;
  for (const auto& [name, view] : source->tensors) {
    std::vector<std::uint8_t> dense(view.data.size());
    invokeai::models::copy_contiguous(view, dense);
  }
  return 0;
}
