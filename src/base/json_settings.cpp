#include "base/json_settings.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace invokeai {
namespace {

using Json = nlohmann::json;

const Setting* find_setting(std::string_view name) {
  for (const Setting& entry : all_settings())
    if (entry.name == name) return &entry;
  return nullptr;
}

/// What a request may carry: everything that may stand behind a prompt, and the model and output
/// settings that only exist at launch. The prompt and the help page have their own places.
bool belongs_to_request(const Setting& setting) {
  if (setting.name == "help" || setting.name == "prompt") return false;
  if (setting.prompt != Use::none) return true;
  return setting.launch != Use::none && setting.group != SettingGroup::general &&
         setting.group != SettingGroup::server;
}

/// The value as JSON, shortened, for a message.
std::string came(const Json& value) {
  return shown(value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

tl::unexpected<Error> refuse(const Setting& setting, const Json& value) {
  return fail(ErrorCode::invalid_argument, "", "{} takes {}, not {}", setting.name,
              setting.type == SettingType::flag ? "true or false" : wanted(setting), came(value));
}

std::optional<std::int64_t> whole_number(const Json& value) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();
  if (number != std::floor(number) || std::abs(number) > 9e15) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

Result<SettingValue> list_value(const Setting& setting, const Json& value) {
  const bool words = setting.type == SettingType::words;
  const bool whole = setting.type == SettingType::integers;
  const auto fits = [&](const Json& each) {
    return words ? each.is_string() : whole ? whole_number(each).has_value() : each.is_number();
  };
  const bool length_fits =
      value.is_array() && !std::cmp_less(value.size(), setting.min_values) &&
      (setting.max_values == 0 || !std::cmp_greater(value.size(), setting.max_values));
  if (!length_fits || !std::ranges::all_of(value, fits)) return refuse(setting, value);
  if (words) return value.get<std::vector<std::string>>();
  return value.get<std::vector<double>>();
}

Result<SettingValue> typed_value(const Setting& setting, const Json& value) {
  switch (setting.type) {
    case SettingType::flag:
      if (value.is_boolean()) return SettingValue(value.get<bool>());
      break;
    case SettingType::integer:
      if (const auto whole = whole_number(value)) return SettingValue(*whole);
      break;
    case SettingType::real:
      if (value.is_number()) return SettingValue(value.get<double>());
      break;
    case SettingType::text:
    case SettingType::path:
      if (value.is_string()) return SettingValue(value.get<std::string>());
      break;
    case SettingType::words:
    case SettingType::reals:
    case SettingType::integers:
      return list_value(setting, value);
  }
  return refuse(setting, value);
}

}  // namespace

nlohmann::json settings_to_json(const SettingValues& values) {
  Json object = Json::object();
  for (const auto& [name, value] : values.given())
    std::visit([&, &key = name](const auto& typed) { object[key] = typed; }, value);
  return object;
}

Result<SettingValues> settings_from_json(const nlohmann::json& object) {
  if (!object.is_object())
    return fail(ErrorCode::invalid_argument, "", "settings are an object like {}, not {}",
                R"({"steps": 30})", came(object));
  SettingValues values;
  for (const auto& [name, value] : object.items()) {
    const Setting* setting = find_setting(name);
    if (setting == nullptr)
      return fail(ErrorCode::invalid_argument, "", "no setting is called {}", shown(name));
    if (!belongs_to_request(*setting))
      return fail(ErrorCode::invalid_argument, "", "{} is no setting of a request", name);
    if (value.is_null()) continue;
    TRY_ASSIGN(SettingValue typed, typed_value(*setting, value));
    TRY_VOID(check_value(*setting, setting->name, typed));
    if (setting->prompt == Use::refused && default_value(*setting) != typed)
      return fail(ErrorCode::unsupported, "", "{} needs {}, which this version does not have", name,
                  setting->note);
    values.set(name, std::move(typed));
  }
  return values;
}

}  // namespace invokeai
