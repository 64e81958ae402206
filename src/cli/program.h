#pragma once
// The program `invokeai` from its arguments to its exit status.

#include <string>
#include <vector>

namespace invokeai::cli {

/// Exit status: 0 done, 1 something failed, 2 a mistake on the command line, 130 Ctrl-C while
/// drawing, 255 an obsolete switch or an unreadable batch or init file.
int run(const std::vector<std::string>& arguments);

}  // namespace invokeai::cli
