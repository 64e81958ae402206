#pragma once
// What the index keeps of a picture file.

#include <cstdint>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace invokeai::gallery {

/// Tells whether a file changed without opening it.
struct FileStamp {
  std::int64_t modified = 0;  ///< nanoseconds since 1970
  std::int64_t size = 0;      ///< bytes
  std::int64_t inode = 0;
  bool operator==(const FileStamp&) const = default;
};

/// None: no regular file there (links are not followed).
std::optional<FileStamp> stamp_of(const fs::path& path);

struct PictureFacts {
  std::string fingerprint;  ///< 32 hex digits of size, first and last 16 KiB
  int width = 0;
  int height = 0;
  bool grid = false;
  std::string model, sampler, prompt;  ///< empty: unknown
  std::optional<std::int64_t> seed, steps;
};

/// Reads the first 64 KiB and the last 16. A picture without (readable) metadata is a picture all
/// the same. Errors: not_found, io, unsupported, bad_file (no picture).
Result<PictureFacts> read_facts(const fs::path& path);

}  // namespace invokeai::gallery
