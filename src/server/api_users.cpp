#include "server/api.h"
#include "server/internal/handlers.h"

namespace invokeai::server {
namespace {

bool is_this_machine(const std::string& address) {
  return address.empty() || address.starts_with("127.") || address == "::1" ||
         address.starts_with("::ffff:127.");
}

Json view(const User& user) {
  return {{"name", user.name}, {"role", user.role == Role::admin ? "admin" : "user"}};
}

Response session_view(const Caller& caller, bool required) {
  constexpr const char* kRoles[] = {"none", "user", "admin"};
  return Response::json(
      {{"user", {{"name", caller.name}, {"role", kRoles[static_cast<int>(caller.role)]}}},
       {"users_required", required}});
}

std::string cookie(const Request& request, const std::string& token, int seconds) {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", kSessionCookie,
                     token, seconds, request.secure ? "; Secure" : "");
}

Result<Response> get_session(Studio& studio, const Request& request) {
  TRY_ASSIGN(const auto users, studio.store().users());
  return session_view(request.caller, !users.empty());
}

Result<Response> post_session(Studio& studio, const Request& request) {
  TRY_ASSIGN(const Json body, read_object(request, {"user", "password"}));
  TRY_ASSIGN(const std::string name, text_in(body, "user"));
  TRY_ASSIGN(const std::string password, text_in(body, "password"));
  TRY_ASSIGN(const auto token, studio.store().log_in(name, password));
  if (!token)
    return Response::refused(401, "unauthorized", "there is no such user with this password");
  TRY_ASSIGN(const auto user, studio.store().user_of(*token));
  Response response = session_view({name, user ? user->role : Role::none}, true);
  response.headers.emplace_back("Set-Cookie", cookie(request, *token, 30 * 24 * 3600));
  return response;
}

Result<Response> remove_session(Studio& studio, const Request& request) {
  TRY_VOID(studio.store().log_out(request.cookie(kSessionCookie)));
  Response response = Response::empty();
  response.headers.emplace_back("Set-Cookie", cookie(request, "", 0));
  return response;
}

Result<Response> get_users(Studio& studio, const Request&) {
  TRY_ASSIGN(const auto users, studio.store().users());
  Json list = Json::array();
  for (const User& user : users) list.push_back(view(user));
  return Response::json({{"users", list}, {"more", false}});
}

/// The last admin cannot become a user: nobody could undo that.
Result<> check_admins(Studio& studio, const std::string& leaving) {
  TRY_ASSIGN(const auto users, studio.store().users());
  bool other_users = false;
  for (const User& user : users) {
    if (user.name != leaving && user.role == Role::admin) return {};
    other_users = other_users || user.name != leaving;
  }
  if (!other_users) return {};
  return fail(ErrorCode::invalid_argument, "", "{} is the last admin; make another one first",
              shown(leaving));
}

Result<Response> put_user(Studio& studio, const Request& request) {
  TRY_ASSIGN(const Json body, read_object(request, {"password", "role"}));
  User user{.name = request.parameter("name")};
  TRY_ASSIGN(const std::string password, text_in(body, "password"));
  TRY_ASSIGN(const std::string role, text_in(body, "role"));
  if (role != "user" && role != "admin")
    return fail(ErrorCode::invalid_argument, "", "role: user or admin is wanted, got {}",
                shown(role));
  user.role = role == "admin" ? Role::admin : Role::user;
  TRY_ASSIGN(const auto users, studio.store().users());
  if (users.empty() && user.role != Role::admin)
    return fail(ErrorCode::invalid_argument, "",
                "role: the first user is to be an admin, since nobody else is one from then on");
  if (user.role != Role::admin) TRY_VOID(check_admins(studio, user.name));
  TRY_VOID(studio.store().put_user(user, password));
  return Response::json(view(user));
}

Result<Response> remove_user(Studio& studio, const Request& request) {
  const std::string name = request.parameter("name");
  TRY_VOID(check_admins(studio, name));
  TRY_ASSIGN(const bool removed, studio.store().remove_user(name));
  if (!removed) return fail(ErrorCode::not_found, "", "there is no user {}", shown(name));
  return Response::empty();
}

}  // namespace

Caller caller_of(Studio& studio, const Request& request) {
  const auto users = studio.store().users();
  if (!users) return {};
  if (users->empty()) return {"", is_this_machine(request.remote) ? Role::admin : Role::user};
  const std::string token = request.cookie(kSessionCookie);
  if (token.empty()) return {};
  const auto user = studio.store().user_of(token);
  if (!user || !*user) return {};
  return {(*user)->name, (*user)->role};
}

void add_user_routes(Router& router, Studio& studio) {
  const auto with = [&studio](Result<Response> (*answer)(Studio&, const Request&)) {
    return handling([&studio, answer](const Request& request) { return answer(studio, request); });
  };
  router.get("/api/v1/session", with(get_session), Role::none);
  router.post("/api/v1/session", with(post_session), Role::none);
  router.remove("/api/v1/session", with(remove_session), Role::none);
  router.get("/api/v1/users", with(get_users), Role::admin);
  router.put("/api/v1/users/{name}", with(put_user), Role::admin);
  router.remove("/api/v1/users/{name}", with(remove_user), Role::admin);
}

}  // namespace invokeai::server
