#include "server/router.h"

#include <algorithm>
#include <exception>
#include <new>
#include <set>

#include "server/url.h"

namespace invokeai::server {
namespace {

std::string_view next_segment(std::string_view& path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

struct Match {
  std::string rank;  ///< one letter per segment: literal a, parameter b, rest c; smaller goes first
  std::vector<std::pair<std::string, std::string_view>> raw;  ///< parameters before decoding
};

std::optional<Match> match(std::string_view pattern, std::string_view path) {
  Match out;
  while (!pattern.empty()) {
    const std::string_view wanted = next_segment(pattern);
    if (is_parameter(wanted) && wanted.ends_with("...}")) {
      if (!path.starts_with('/')) return std::nullopt;
      out.raw.emplace_back(wanted.substr(1, wanted.size() - 5), path.substr(1));
      out.rank += 'c';
      return out;
    }
    if (path.empty()) return std::nullopt;
    const std::string_view came = next_segment(path);
    if (is_parameter(wanted)) {
      if (came.empty()) return std::nullopt;
      out.raw.emplace_back(wanted.substr(1, wanted.size() - 2), came);
      out.rank += 'b';
    } else if (wanted == came) {
      out.rank += 'a';
    } else {
      return std::nullopt;
    }
  }
  return path.empty() ? std::optional(std::move(out)) : std::nullopt;
}

/// 401 for somebody unknown, 403 for somebody known; nothing for who may ask.
std::optional<Response> refuse_caller(const Route& route, const Caller& caller) {
  if (caller.role >= route.role) return std::nullopt;
  if (caller.role == Role::none) {
    Response refused = Response::refused(
        401, "unauthorized", "log in first: POST /api/v1/session, or give the server's token");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer");
    return refused;
  }
  return Response::refused(403, "forbidden", "this takes an admin; you are a user");
}

}  // namespace

void Router::add(Route route) { routes_.push_back(std::move(route)); }

void Router::get(std::string pattern, Handler handler, Role role) {
  add({"GET", std::move(pattern), role, std::move(handler)});
}
void Router::post(std::string pattern, Handler handler, Role role) {
  add({"POST", std::move(pattern), role, std::move(handler)});
}
void Router::put(std::string pattern, Handler handler, Role role) {
  add({"PUT", std::move(pattern), role, std::move(handler)});
}
void Router::patch(std::string pattern, Handler handler, Role role) {
  add({"PATCH", std::move(pattern), role, std::move(handler)});
}
void Router::remove(std::string pattern, Handler handler, Role role) {
  add({"DELETE", std::move(pattern), role, std::move(handler)});
}

std::variant<Router::Found, Response> Router::find(const Request& request,
                                                   std::string_view raw_path) const {
  const Route* best = nullptr;
  Match best_match;
  std::set<std::string> allowed;
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  for (const Route& route : routes_) {
    std::optional<Match> matched = match(route.pattern, raw_path);
    if (!matched) continue;
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
    if (route.method != method || (best != nullptr && matched->rank >= best_match.rank)) continue;
    best = &route;
    best_match = std::move(*matched);
  }
  if (allowed.empty())
    return Response::refused(404, "not_found",
                             fmt::format("there is nothing at {}", request.path));
  if (best == nullptr) {
    allowed.insert("OPTIONS");
    Response refused =
        method == "OPTIONS"
            ? Response::empty()
            : Response::refused(405, "unsupported",
                                fmt::format("{} takes {}, not {}", request.path,
                                            fmt::join(allowed, ", "), request.method));
    refused.headers.emplace_back("Allow", fmt::format("{}", fmt::join(allowed, ", ")));
    return refused;
  }
  if (auto refused = refuse_caller(*best, request.caller)) return *std::move(refused);
  Found found{best, {}};
  for (const auto& [name, raw] : best_match.raw) {
    Result<std::string> value = decode_percent(raw);
    if (!value) return Response::error(value.error());
    found.parameters[name] = *std::move(value);
  }
  return found;
}

std::optional<Response> Router::refuse(const Request& request, std::string_view raw_path) const {
  auto found = find(request, raw_path);
  if (auto* response = std::get_if<Response>(&found)) return std::move(*response);
  return std::nullopt;
}

Response Router::answer(Request request, std::string_view raw_path) const {
  auto found = find(request, raw_path);
  if (auto* response = std::get_if<Response>(&found)) return std::move(*response);
  Found& route = std::get<Found>(found);
  request.parameters = std::move(route.parameters);
  try {
    return route.route->handler(request);
  } catch (const std::bad_alloc&) {
    return Response::error({ErrorCode::out_of_memory, "http", "memory ran out; try a smaller request"});
  } catch (const std::exception& exception) {
    return Response::error({ErrorCode::internal, "http", exception.what()});
  }
}

}  // namespace invokeai::server
