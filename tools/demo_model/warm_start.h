#pragma once
// Training that goes on from weights published earlier, of the same network or a near relative.

#include "demo_model/trainer.h"
#include "nn/module.h"

namespace invokeai::demo {

/// Copies into the network what folder/STEM.safetensors (or its shards) holds under the same names
/// in the same shapes; kernels that read more channels than those of the file read zeros in the new
/// ones, and attention that the file lacks adds nothing at first. Everything else keeps its values.
/// Returns how many tensors were taken, 0 if there is no file. Errors: bad_file.
Result<int> warm_start(nn::Module& network, const fs::path& folder, const std::string& stem);

}  // namespace invokeai::demo
