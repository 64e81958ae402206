#pragma once
// The original 2.3.0 front end, unchanged: its events, uploads and addresses (web spec 1).
// docs/wire.md has every message.

#include <memory>

#include "server/router.h"
#include "server/sockets.h"
#include "server/studio.h"

namespace invokeai::server {

/// Before the server runs. What is returned keeps events flowing to the clients; it, router and hub
/// must go before the studio.
[[nodiscard]] std::shared_ptr<void> add_legacy(Router& router, SocketHub& hub, Studio& studio);

}  // namespace invokeai::server
