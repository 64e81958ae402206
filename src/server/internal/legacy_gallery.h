#pragma once
// Pages of pictures for the original front end, and what it does with single ones (web spec 1.9).

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "server/studio.h"

namespace invokeai::server {

/// The objects of events; thread-safe.
class LegacyGallery {
 public:
  explicit LegacyGallery(Studio& studio) : studio_(studio) {}

  /// `galleryImages`: the 50 before this time, or the newest. The client knows only the time of the
  /// last picture it has; which one of that moment that was is remembered here. Unreadable pictures
  /// are left out and named in `problems`.
  Result<nlohmann::json> page(const std::string& client, const std::string& category,
                              const nlohmann::json& earliest, std::vector<std::string>& problems);
  /// `galleryImages`: all after this time.
  Result<nlohmann::json> newer(const std::string& category, const nlohmann::json& latest,
                               std::vector<std::string>& problems);
  /// `imageDeleted`.
  Result<nlohmann::json> remove(const nlohmann::json& arguments);
  /// A copy of a canvas result among the results, as `galleryImages`.
  Result<nlohmann::json> keep_staged(const std::string& url);
  /// Returns a line for each file that could not be removed.
  std::vector<std::string> empty_temporary();

  void forget(const std::string& client);

 private:
  Result<std::vector<gallery::PictureEntry>> pictures(const std::string& category,
                                                      gallery::PageRequest request, bool& more);
  nlohmann::json images(const std::vector<gallery::PictureEntry>& pictures,
                        const std::string& category, std::vector<std::string>& problems);

  Studio& studio_;
  std::mutex mutex_;  ///< guards the cursors
  std::map<std::string, gallery::GalleryCursor> cursors_;  ///< by client and category
};

}  // namespace invokeai::server
