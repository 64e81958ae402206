#include "server/api.h"
#include "server/internal/handlers.h"
#include "server/views.h"

namespace invokeai::server {
namespace {

Result<Response> get_models(Studio& studio) {
  TRY_ASSIGN(const auto entries, studio.models().entries());
  Json list = Json::array();
  for (const ModelEntry& entry : entries) list.push_back(view(studio, entry));
  return Response::json({{"models", list}, {"more", false}});
}

Result<Response> put_active(Studio& studio, const Request& request) {
  TRY_ASSIGN(const Json body, read_object(request, {"name"}));
  TRY_ASSIGN(const std::string name, text_in(body, "name"));
  TRY_ASSIGN(const ModelEntry entry, studio.activate_model(name));
  return Response::json(view(studio, entry), 202);
}

}  // namespace

void add_model_routes(Router& router, Studio& studio) {
  router.get("/api/v1/models", handling([&](const Request&) { return get_models(studio); }));
  router.put("/api/v1/models/active",
             handling([&](const Request& request) { return put_active(studio, request); }));
}

}  // namespace invokeai::server
