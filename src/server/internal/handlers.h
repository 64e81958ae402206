#pragma once
// What the handlers of all routes share: failures as responses, bodies and queries as values.

#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "server/http.h"

namespace invokeai::server {

using Json = nlohmann::json;

/// A handler whose failure becomes the error of the API.
Handler handling(std::function<Result<Response>(const Request&)> answer);

/// 503: too many requests wait for their jobs.
Response too_busy();

/// The body as a JSON object that holds nothing but `known` keys. An empty body is an empty object.
/// Errors: invalid_argument.
Result<Json> read_object(const Request& request, std::initializer_list<std::string_view> known);

/// Whether it is an object that holds nothing but `known` keys; `what` names it. Errors:
/// invalid_argument.
Result<> check_object(const Json& json, std::string_view what,
                      std::initializer_list<std::string_view> known);

/// A value of an object; null counts as missing. Errors: invalid_argument (another type or range, or
/// missing although there is no fallback).
Result<std::string> text_in(const Json& object, const char* key,
                            const std::optional<std::string>& fallback = std::nullopt);
Result<std::int64_t> whole_in(const Json& object, const char* key, std::int64_t low,
                              std::int64_t high,
                              const std::optional<std::int64_t>& fallback = std::nullopt);
Result<std::optional<bool>> flag_in(const Json& object, const char* key);

/// A number of the query; none when it is not there. Errors: invalid_argument.
Result<std::optional<std::int64_t>> query_whole(const Request& request, std::string_view name,
                                                std::int64_t low, std::int64_t high);
Result<std::optional<bool>> query_flag(const Request& request, std::string_view name);

/// Arguments of an `error` event of the original front end.
Json message_of(const Json& text);

/// For JSON that is sent: broken UTF-8 is replaced.
std::string json_text(const Json& json);

}  // namespace invokeai::server
