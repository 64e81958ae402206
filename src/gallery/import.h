#pragma once
// Pictures of another outputs folder, e.g. of an InvokeAI 2.x installation.

#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace invokeai::gallery {

struct ImportReport {
  int copied = 0;
  int known = 0;                      ///< there already, byte for byte
  int renamed = 0;                    ///< of the copied: another picture had the name
  std::vector<std::string> problems;  ///< one line each
};

/// Copies every picture at and below `source` to the same place below `root`, with its date.
/// Nothing is replaced, nothing in `source` changes; a second run goes on where the first stopped.
/// Errors: not_found (source), invalid_argument (one folder within the other), disk_full.
Result<ImportReport> import_outputs(const fs::path& source, const fs::path& root);

}  // namespace invokeai::gallery
