#pragma once
// Which handler answers which request.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/http.h"

namespace invokeai::server {

struct Route {
  std::string method;    ///< GET also answers HEAD
  std::string pattern;   ///< "/api/v1/jobs/{id}"; {name} is one segment (decoded afterwards, so %2F
                         ///< may be in it), {rest...} at the end is all that remains
  Role role = Role::user;  ///< who may ask
  Handler handler;
};

class Router {
 public:
  void add(Route route);
  void get(std::string pattern, Handler handler, Role role = Role::user);
  void post(std::string pattern, Handler handler, Role role = Role::user);
  void put(std::string pattern, Handler handler, Role role = Role::user);
  void patch(std::string pattern, Handler handler, Role role = Role::user);
  void remove(std::string pattern, Handler handler, Role role = Role::user);

  /// 404 for an unknown path, 405 with Allow for another method, 401/403 for another caller. Of
  /// several patterns that fit, the one with the earliest literal segments answers, so /images/count
  /// goes before /images/{name}. OPTIONS is answered with Allow.
  Response answer(Request request, std::string_view raw_path) const;
  /// What answer() would refuse whatever the body says, so that a body need not be read for it.
  std::optional<Response> refuse(const Request& request, std::string_view raw_path) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Found {
    const Route* route;
    std::map<std::string, std::string> parameters;
  };
  std::variant<Found, Response> find(const Request& request, std::string_view raw_path) const;

  std::vector<Route> routes_;
};

}  // namespace invokeai::server
