#pragma once
// What a service manager wants to know and tell, and signals as something to wait for.

#include <chrono>
#include <optional>
#include <string_view>

namespace invokeai::server {

/// Tells systemd (or whoever set $NOTIFY_SOCKET), e.g. "READY=1"; does nothing where nobody listens.
void notify_service(std::string_view state);

/// How often the service manager wants a sign of life ("WATCHDOG=1"); none: never.
std::optional<std::chrono::milliseconds> watchdog_interval();

/// From its making on SIGINT and SIGTERM do not end the process. One at a time.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  /// The number of a signal that came; none when none did within this time.
  std::optional<int> wait(std::chrono::milliseconds limit);
};

}  // namespace invokeai::server
