#pragma once
// Memory of tensors on the CPU, kept between uses: without it each large temporary is mapped, zeroed
// and unmapped by the system at every use, which is an eighth of a UNet step and a quarter of a decode.

#include <cstdint>

namespace invokeai::nn {

/// From now on large tensors (1 MiB and more) take their memory from one range of huge pages and
/// give it back there; smaller ones are libtorch's as before. Calls after the first do nothing.
/// Where the system reserves no address range nothing changes.
///
/// Of what is free, up to 1 GiB stays with the process, and no more than was in use at the worst
/// moment, but for 64 MiB; the rest goes back to the system.
void keep_tensor_memory();

/// Gives everything that is free back to the system, what the C library keeps included.
void release_kept_memory();

/// Bytes in use and bytes ever used of that range; zeros before `keep_tensor_memory`.
struct KeptMemory {
  std::int64_t used = 0, highest = 0;
};
KeptMemory kept_memory();

}  // namespace invokeai::nn
