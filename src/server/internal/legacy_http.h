#pragma once
// /upload, /outputs/ and the sign of life of the original front end (web spec 1.2, 1.3).

#include <functional>
#include <string>

#include "server/router.h"
#include "server/studio.h"

namespace invokeai::server {

/// `tell_error`: an `error` event to everybody, so that a page which waits for an upload's end does
/// not wait for ever.
void add_legacy_routes(Router& router, Studio& studio,
                       std::function<void(const std::string&)> tell_error);

}  // namespace invokeai::server
