#pragma once
// The files of a gallery.

#include <functional>

#include "gallery/index.h"

namespace invokeai::gallery {

/// A path below the root that a caller named, checked: relative, no "..", nothing hidden.
/// Errors: invalid_argument.
Result<fs::path> checked_path(const fs::path& root, const std::string& path);

/// True for .png, .jpg, .jpeg and .webp, however they are written.
bool is_picture_name(const fs::path& path);

/// Calls `found` with every picture file at or below `start` (a path below the root; empty: the
/// root), relative to the root. Hidden files and folders and 2.3.0's thumbnails are left out, links
/// are not followed. Errors: io (a folder cannot be listed).
Result<> scan_pictures(const fs::path& root, const std::string& start,
                       const std::function<void(const std::string& path)>& found);

/// Told by the first folder of the path.
PictureKind kind_of(const std::string& path, bool grid);

// The bin: <bin>/<id>/<path the picture had>.

/// Errors: not_found, io.
Result<BinEntry> move_to_bin(const fs::path& root, const fs::path& bin, const std::string& path);
Result<std::vector<BinEntry>> list_bin(const fs::path& bin);
/// Errors: not_found, io, invalid_argument (the name is taken).
Result<BinEntry> move_from_bin(const fs::path& root, const fs::path& bin, const std::string& id);

}  // namespace invokeai::gallery
