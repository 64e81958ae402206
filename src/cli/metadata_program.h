#pragma once
// The program `invokeai-metadata` from its arguments to its exit status.

#include <ostream>
#include <string>
#include <vector>

namespace invokeai::cli {

/// What was found goes to `out`, one line a failure to `errors`; later files are read although an
/// earlier one failed. Exit status: 0 done, 1 a file failed, 2 a mistake in the arguments.
int run_metadata(const std::vector<std::string>& arguments, std::ostream& out,
                 std::ostream& errors);

}  // namespace invokeai::cli
