#pragma once
// Requests below /socket.io/: handshakes, polls, posts and upgrades of Engine.IO.

#include <memory>
#include <string_view>

namespace invokeai::server {

struct Network;
class Connection;

bool is_socket_path(std::string_view path);
void answer_socket_request(Network& network, const std::shared_ptr<Connection>& connection);

}  // namespace invokeai::server
