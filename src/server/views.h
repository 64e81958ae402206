#pragma once
// The objects of docs/api.md as JSON.

#include <nlohmann/json.hpp>

#include "server/studio.h"

namespace invokeai::server {

nlohmann::json view(Studio& studio, const jobs::PictureResult& result);
/// With its results and its place among the waiting ones.
Result<nlohmann::json> view(Studio& studio, const jobs::JobRecord& job);
Result<nlohmann::json> queue_view(Studio& studio);
nlohmann::json view(const gallery::PictureEntry& picture);
/// PictureDetails: also reads the file.
Result<nlohmann::json> details_view(Studio& studio, const std::string& name);
nlohmann::json view(Studio& studio, const ModelEntry& model);
/// The active model, or null.
nlohmann::json model_view(Studio& studio);
nlohmann::json engine_view(Studio& studio);

/// Whether a client may give this setting.
bool is_open_setting(const Setting& setting);

}  // namespace invokeai::server
