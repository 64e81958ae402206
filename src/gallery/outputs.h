#pragma once
// Finished pictures on their way to the output folder: complete or not at all, and never in the
// place of another one.

#include <functional>
#include <span>
#include <string>

#include "gallery/names.h"
#include "image/image.h"
#include "image/png.h"

namespace invokeai::gallery {

/// What happens to a file that already has the name.
enum class Existing { keep, replace };

/// Where a new picture goes.
struct PictureName {
  fs::path folder;
  std::string format{kDefaultNameFormat};
  NameValues values;        ///< `seed` and whatever else `format` uses; `prefix` and `again` are
                            ///< filled in here
  std::int64_t prefix = 1;  ///< from next_prefix(), once per command
};

struct SavedPicture {
  fs::path path;
  std::int64_t prefix = 1;  ///< the number it got in the end; go on with this one
};

/// Asked when all bytes of `temporary` are on disk, before it gets the name `path`; an error stops
/// the writing. Whatever happens next, the file keeps its inode.
using BeforeNaming = std::function<Result<>(const fs::path& temporary, const fs::path& path)>;

/// Writes a file completely or not at all, making its folder first; afterwards file and name
/// survive a power failure. False when Existing::keep met a
/// file of that name, which then is untouched, even if another process made it a moment ago.
/// Errors: disk_full, io, not_found, each naming the path.
Result<bool> write_output(const fs::path& path, std::string_view bytes, Existing existing,
                          const BeforeNaming& before_naming = {});

/// Writes the picture as PNG under its name (cli spec 2.6). A format with {prefix} never
/// overwrites: when the name is taken, the next free number is used; with {again} the next free of
/// -01, -02... Any other format replaces.
/// Errors: those of format_name(), encode_png() and write_output().
Result<SavedPicture> save_picture(const PictureName& name, const image::Image& picture,
                                  const image::TextChunks& texts, int compression = 6,
                                  const BeforeNaming& before_naming = {});

/// One line of the command logs.
struct LogEntry {
  fs::path file;
  std::string dream_command;
};

/// Appends to invoke_log.txt and invoke_log.md in `folder` (cli spec 2.10). Lines of programs that
/// write at the same time do not mix. Errors: disk_full, io.
Result<> append_log(const fs::path& folder, std::span<const LogEntry> entries);

}  // namespace invokeai::gallery
