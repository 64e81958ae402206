#pragma once
// Models as the original front end lists and edits them (web spec 1.9).

#include <nlohmann/json.hpp>

#include "server/studio.h"

namespace invokeai::server {

/// Objects by name; what is absent is null, numbers are numbers.
Result<nlohmann::json> legacy_model_list(Studio& studio);
nlohmann::json legacy_system_config(Studio& studio);

/// `newModelAdded`, `modelDeleted` and `foundModels`, from the arguments of the requests.
Result<nlohmann::json> add_legacy_model(Studio& studio, const nlohmann::json& config);
Result<nlohmann::json> delete_legacy_model(Studio& studio, const nlohmann::json& name);
nlohmann::json find_legacy_models(const nlohmann::json& folder);

}  // namespace invokeai::server
