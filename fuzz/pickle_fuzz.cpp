// Any bytes as a pickle, and as a torch file of either layout: must give tensors inside the bytes,
// or an error, in time and memory proportional to the input.

#include <memory>
#include <vector>

#include "models/formats/pickle.h"
#include "models/formats/torch_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace invokeai::models;
  const std::span<const std::uint8_t> bytes(data, size);
  read_pickle(bytes, {"fuzz", 0});
  const auto source = read_torch_file(bytes, nullptr, "fuzz");
  if (!source) return 0;
  for (const auto& [name, view] : source->tensors) {
    const auto count = static_cast<std::size_t>(view.element_count());
    if (count > 1 << 20) continue;  // repeated elements: allowed, but slow to copy a million times
    std::vector<std::uint8_t> dense(count * element_size(view.dtype));
    copy_contiguous(view, dense);
  }
  return 0;
}
