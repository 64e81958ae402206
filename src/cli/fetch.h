#pragma once
// `!fetch`: from finished pictures back to the commands that make them (cli spec 3.10, 5.4).

#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "image/metadata.h"

namespace invokeai::cli {

struct Fetched {
  std::vector<std::string> commands;  ///< one for each picture; only a grid has several
  std::vector<std::string> lost;      ///< one line each: what the commands will not reproduce
};

/// Reads a picture file. Braces and `__names__` that the prompt holds as plain text are kept from
/// being chosen from again; `wildcards` is where their files would lie. Errors: not_found (no such
/// file, or nothing in it), io, bad_file, unsupported.
Result<Fetched> fetch_commands(const fs::path& picture, const fs::path& wildcards);

/// How a picture was made, of a grid the first. Errors: as above.
Result<image::ImageMetadata> stored_picture(const fs::path& picture);

/// Picture files whose names match the last part of `pattern` (*, ? and [...]), sorted by name.
/// Errors: io (the folder cannot be read).
Result<std::vector<fs::path>> matching_pictures(const fs::path& pattern);

}  // namespace invokeai::cli
