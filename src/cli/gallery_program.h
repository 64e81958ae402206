#pragma once
// The program `invokeai-gallery` from its arguments to its exit status.

#include <string>
#include <vector>

namespace invokeai::cli {

/// Exit status: 0 done, 1 something failed, 2 a mistake on the command line.
int run_gallery(const std::vector<std::string>& arguments);

}  // namespace invokeai::cli
