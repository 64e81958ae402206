#pragma once
// Follows what other programs do in a folder.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"

namespace invokeai::gallery {

struct WatchOptions {
  bool poll = false;  ///< look at everything again and again, although the system could tell
  std::chrono::milliseconds poll_every{10'000};
  std::chrono::milliseconds settle{200};  ///< changes within this time are told together
};

/// Watches until it goes. `changed` runs on a thread of its own: files and folders below the root
/// in which something happened, or nothing when anything may have. Hidden names are left out.
class FolderWatcher {
 public:
  using Changed = std::function<void(const std::vector<std::string>& paths)>;
  virtual ~FolderWatcher() = default;
  /// True when the system tells of changes; false when it is asked every `poll_every`.
  virtual bool told_by_system() const = 0;
};

/// inotify on Linux; polling elsewhere, or where the system has no watches left.
std::unique_ptr<FolderWatcher> watch_folder(const fs::path& root, const WatchOptions& options,
                                            FolderWatcher::Changed changed);

}  // namespace invokeai::gallery
