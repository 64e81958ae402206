#pragma once
// Settings as JSON, by their wire names: how requests are stored and sent.

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "base/settings.h"

namespace invokeai {

/// An object with every given value under its wire name.
nlohmann::json settings_to_json(const SettingValues& values);

/// The values of one request. null means "not given". Checked against the settings table: names,
/// types, ranges, choices, lengths of lists; whole numbers may be written 30.0.
/// Errors: invalid_argument (not an object, unknown name, a setting of the program rather than of a
/// request, wrong type or range), unsupported (a setting this version cannot serve).
Result<SettingValues> settings_from_json(const nlohmann::json& object);

}  // namespace invokeai
