#pragma once
// Which names this server answers to, and which pages may talk to it: against pages that make a
// browser send requests of theirs (cross-site requests, names that lead to this machine).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace invokeai::server {

struct OriginRules {
  std::string bound = "127.0.0.1";  ///< the address the server listens on
  std::vector<std::string> cors;    ///< origins allowed besides our own; "*": any
  std::vector<std::string> hosts;   ///< more names the server answers to
};

/// The headers that decide; empty when absent.
struct OriginHeaders {
  std::string host, origin, forwarded_proto, forwarded_host;
  bool secure = false;  ///< came over TLS
};

/// True for 127.x.x.x, ::1 and localhost.
bool is_loopback(std::string_view host);

/// Nothing when a request with this Host may be answered, else one line that says what to do.
/// Accepted: localhost and loopback addresses, the bound address, any address in numbers when bound
/// elsewhere than to loopback, and the listed names; all with any port.
std::optional<std::string> refuse_host(const OriginRules& rules, std::string_view host);

/// Nothing when a page of this origin may change something here, else one line that says what to do.
/// Accepted: no origin (programs), our own, and those of --cors, but not its "*".
std::optional<std::string> refuse_origin(const OriginRules& rules, const OriginHeaders& headers);

/// The same for the socket, where "*" is accepted too.
std::optional<std::string> refuse_socket_origin(const OriginRules& rules,
                                                const OriginHeaders& headers);

}  // namespace invokeai::server
