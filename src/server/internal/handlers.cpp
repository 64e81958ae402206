#include "server/internal/handlers.h"

#include <algorithm>
#include <charconv>

#include "base/settings.h"
#include "base/utf8.h"

namespace invokeai::server {

Response too_busy() {
  Response response = Response::refused(
      503, "busy",
      "too many requests wait for their pictures; try again later, or hand jobs in without waiting: "
      "POST /api/v1/jobs");
  response.headers.emplace_back("Retry-After", "10");
  return response;
}

Handler handling(std::function<Result<Response>(const Request&)> answer) {
  return [answer = std::move(answer)](const Request& request) {
    auto response = answer(request);
    return response ? std::move(*response) : Response::error(response.error());
  };
}

namespace {

std::string came(const Json& value) { return shown(json_text(value)); }

tl::unexpected<Error> bad(std::string_view key, std::string_view wanted, const Json& value) {
  return fail(ErrorCode::invalid_argument, "", "{}: {} is wanted, got {}", key, wanted, came(value));
}

/// Null where there is none.
const Json& member(const Json& object, const char* key) {
  static const Json none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}

std::string range(std::int64_t low, std::int64_t high) {
  return fmt::format("a whole number from {} to {}", low, high);
}

std::optional<std::int64_t> whole_from(std::string_view text) {
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<Json> read_object(const Request& request, std::initializer_list<std::string_view> known) {
  if (request.body.empty()) return Json::object();
  Json json = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded())
    return fail(ErrorCode::invalid_argument, "", "the body is no JSON: {}", shown(request.body));
  TRY_VOID(check_object(json, "the body", known));
  return json;
}

Result<> check_object(const Json& json, std::string_view what,
                      std::initializer_list<std::string_view> known) {
  if (!json.is_object())
    return fail(ErrorCode::invalid_argument, "", "{} is to be a JSON object, got {}", what,
                came(json));
  for (const auto& [key, value] : json.items())
    if (std::ranges::find(known, key) == known.end())
      return fail(ErrorCode::invalid_argument, "", "nothing in {} is called {}; known are {}", what,
                  shown(key), fmt::join(known, ", "));
  return {};
}

Result<std::string> text_in(const Json& object, const char* key,
                            const std::optional<std::string>& fallback) {
  const Json& value = member(object, key);
  if (value.is_null() && fallback) return *fallback;
  if (!value.is_string()) return bad(key, "a text", value);
  return value.get<std::string>();
}

Result<std::int64_t> whole_in(const Json& object, const char* key, std::int64_t low,
                              std::int64_t high, const std::optional<std::int64_t>& fallback) {
  const Json& value = member(object, key);
  if (value.is_null() && fallback) return *fallback;
  const bool fits = value.is_number_integer() &&
                    !(value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX);
  if (!fits || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high)
    return bad(key, range(low, high), value);
  return value.get<std::int64_t>();
}

Result<std::optional<bool>> flag_in(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (value.is_null()) return std::optional<bool>();
  if (!value.is_boolean()) return bad(key, "true or false", value);
  return std::optional(value.get<bool>());
}

Result<std::optional<std::int64_t>> query_whole(const Request& request, std::string_view name,
                                                std::int64_t low, std::int64_t high) {
  const auto found = request.query.find(std::string(name));
  if (found == request.query.end()) return std::optional<std::int64_t>();
  const auto number = whole_from(found->second);
  if (!number || *number < low || *number > high) return bad(name, range(low, high), found->second);
  return number;
}

Result<std::optional<bool>> query_flag(const Request& request, std::string_view name) {
  const auto found = request.query.find(std::string(name));
  if (found == request.query.end()) return std::optional<bool>();
  if (found->second == "true" || found->second == "1") return std::optional(true);
  if (found->second == "false" || found->second == "0") return std::optional(false);
  return bad(name, "true or false", found->second);
}

Json message_of(const Json& text) {
  Json object = Json::object();
  object["message"] = text;
  return Json::array({std::move(object)});
}

std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace invokeai::server
