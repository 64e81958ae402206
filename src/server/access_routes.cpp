#include "server/access_routes.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "server/url.h"

namespace invokeai::server {
namespace {

using nlohmann::json;

constexpr const char* kCookie = "invokeai_session";

std::string cookie(const Request& request, const std::string& secret, long long seconds) {
  const bool secure = request.secure || request.header("x-forwarded-proto") == "https";
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", kCookie, secret, seconds,
                     secure ? "; Secure" : "");
}

json described(const Caller& caller, bool required) {
  return {{"name", caller.name}, {"role", role_name(caller.role)}, {"users_required", required}};
}

Response unreadable(const char* wanted) {
  return Response::refused(400, "invalid_argument", fmt::format("a JSON object like {} is wanted", wanted));
}

Response answer_log_in(const Access& access, const Request& request, const Result<LogIn>& log_in) {
  if (!log_in) return Response::error(log_in.error());
  if (log_in->wait_seconds > 0) {
    Response busy = Response::refused(
        429, "busy", fmt::format("too many wrong tries; wait {} seconds", log_in->wait_seconds));
    busy.headers.emplace_back("Retry-After", std::to_string(log_in->wait_seconds));
    return busy;
  }
  if (log_in->secret.empty())
    return Response::refused(401, "unauthorized", "name and password do not fit together");
  Response response = Response::json(described(log_in->caller, access.required()));
  response.headers.emplace_back("Set-Cookie",
                                cookie(request, log_in->secret, access.session_life().count()));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Response log_in(Access& access, const Request& request) {
  const json body = json::parse(request.body, nullptr, false);
  const auto text = [&](const char* key) -> std::optional<std::string> {
    if (!body.is_object() || !body.contains(key) || !body[key].is_string()) return std::nullopt;
    return body[key].get<std::string>();
  };
  if (const auto token = text("token"))
    return answer_log_in(access, request, access.log_in_with_token(*token, request.remote));
  const auto user = text("user"), password = text("password");
  if (!user || !password) return unreadable(R"({"user": "ann", "password": "..."} or {"token": "..."})");
  return answer_log_in(access, request, access.log_in(*user, *password, request.remote));
}

Response put_user(Access& access, const Request& request) {
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) return unreadable(R"({"password": "...", "role": "user"})");
  std::optional<std::string> password;
  if (body.contains("password")) {
    if (!body["password"].is_string()) return unreadable(R"({"password": "...", "role": "user"})");
    password = body["password"].get<std::string>();
  }
  const json role_text = body.value("role", json("user"));
  const auto role = role_text.is_string() ? role_from_name(role_text.get<std::string>()) : std::nullopt;
  if (!role) return Response::refused(400, "invalid_argument", "role: user or admin is wanted");
  const User user{request.parameter("name"), *role};
  if (const Result<> put = access.put_user(user, password); !put) return Response::error(put.error());
  return Response::json({{"name", user.name}, {"role", role_name(user.role)}});
}

Response list_users(const Access& access) {
  json users = json::array();
  for (const User& user : access.users())
    users.push_back({{"name", user.name}, {"role", role_name(user.role)}});
  return Response::json({{"users", users}, {"more", false}});
}

}  // namespace

void add_access_routes(Router& router, Access& access) {
  router.get("/api/v1/session", [&access](const Request& request) {
    return Response::json(described(request.caller, access.required()));
  }, Role::none);
  router.post("/api/v1/session", [&access](const Request& request) { return log_in(access, request); },
              Role::none);
  router.remove("/api/v1/session", [&access](const Request& request) {
    if (const Result<> done = access.log_out(request.cookie(kCookie)); !done)
      return Response::error(done.error());
    Response response = Response::empty();
    response.headers.emplace_back("Set-Cookie", cookie(request, "", 0));
    return response;
  }, Role::none);
  router.get("/api/v1/users", [&access](const Request&) { return list_users(access); }, Role::admin);
  router.put("/api/v1/users/{name}", [&access](const Request& request) { return put_user(access, request); },
             Role::admin);
  router.remove("/api/v1/users/{name}", [&access](const Request& request) {
    const Result<> removed = access.remove_user(request.parameter("name"));
    return removed ? Response::empty() : Response::error(removed.error());
  }, Role::admin);
}

Handler with_sign_in_by_link(Access& access, Handler page) {
  return [&access, page = std::move(page)](const Request& request) {
    const std::string token = request.query_value("token");
    if (token.empty()) return page(request);
    const Result<LogIn> log_in = access.log_in_with_token(token, request.remote);
    if (!log_in || log_in->secret.empty()) return page(request);
    std::string rest;
    for (const auto& [name, value] : request.query)
      if (name != "token")
        rest += (rest.empty() ? "?" : "&") + encode_percent(name) + '=' + encode_percent(value);
    // Relative, so that it also fits below a proxy's folder.
    Response response = Response::empty(303);
    response.headers = {{"Location", "./" + rest},
                        {"Set-Cookie", cookie(request, log_in->secret, access.session_life().count())},
                        {"Cache-Control", "no-store"}};
    return response;
  };
}

}  // namespace invokeai::server
