#pragma once
// The built web page: files of one folder.

#include "base/file.h"
#include "server/http.h"

namespace invokeai::server {

/// Answers GET of `path` (decoded, begins with /) from the folder: index.html for "/", 404 for what
/// is not there, folders, hidden names, and every way out of the folder. Files of /assets/ have their
/// hash in their name and are kept for good; all others are asked for again.
Response static_file(const fs::path& folder, std::string_view path);

/// The same as a handler.
Handler static_files(fs::path folder);

}  // namespace invokeai::server
