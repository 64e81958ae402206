#include "server/http.h"

#include <nlohmann/json.hpp>

namespace invokeai::server {
namespace {

std::string found(const std::map<std::string, std::string>& map, std::string_view name) {
  const auto at = map.find(std::string(name));
  return at == map.end() ? "" : at->second;
}

}  // namespace

std::string Request::header(std::string_view name) const { return found(headers, name); }
std::string Request::query_value(std::string_view name) const { return found(query, name); }
std::string Request::parameter(std::string_view name) const { return found(parameters, name); }

std::string Request::cookie(std::string_view name) const {
  const std::string all = header("cookie");
  for (std::size_t at = 0; at < all.size();) {
    std::size_t end = all.find(';', at);
    if (end == std::string::npos) end = all.size();
    std::string_view one = std::string_view(all).substr(at, end - at);
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(name) && one.substr(name.size()).starts_with('='))
      return std::string(one.substr(name.size() + 1));
    at = end + 1;
  }
  return "";
}

Response Response::json(const nlohmann::json& value, int status) {
  return {status,
          {{"Content-Type", "application/json"}},
          value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

Response Response::text(std::string text, int status) {
  return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(text)};
}

Response Response::error(const Error& error) {
  return refused(http_status(error.code), error_code_name(error.code), error.message);
}

Response Response::refused(int status, std::string_view code, std::string_view message) {
  return json({{"error", {{"code", code}, {"message", message}}}}, status);
}

Response Response::file(fs::path path) { return {200, {}, FileBody{std::move(path)}}; }

Response Response::events(OpenStream open) { return {200, {}, std::move(open)}; }

Response Response::empty(int status) { return {status, {}, std::string()}; }

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return 400;
    case ErrorCode::not_found: return 404;
    case ErrorCode::bad_file: return 422;
    case ErrorCode::unsupported: return 501;
    case ErrorCode::disk_full: return 507;
    case ErrorCode::out_of_memory: return 503;
    case ErrorCode::io:
    case ErrorCode::internal: return 500;
  }
  return 500;
}

}  // namespace invokeai::server
