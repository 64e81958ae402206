#pragma once
// Where this program stands on disk.

#include "base/file.h"

namespace invokeai {

/// Folder of the running program; empty if the system does not tell.
fs::path program_folder();

}  // namespace invokeai
