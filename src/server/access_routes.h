#pragma once
// Logging in and out, and the users: /api/v1/session and /api/v1/users (docs/api.md).

#include "server/access.h"
#include "server/router.h"

namespace invokeai::server {

/// `access` outlives the router.
void add_access_routes(Router& router, Access& access);

/// A page's handler that also takes `?token=`: who knows it gets a session and the address without
/// it, so that what the page asks for needs no token.
Handler with_sign_in_by_link(Access& access, Handler page);

}  // namespace invokeai::server
