#pragma once
// Framing of Socket.IO 5 inside Engine.IO messages (web spec 1.4). Text only.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace invokeai::server {

enum class SocketPacketType : char {
  connect = '0', disconnect = '1', event = '2', ack = '3', connect_error = '4'
};

/// type [namespace ","] [id] [JSON]; the JSON is not looked at yet.
struct SocketPacket {
  SocketPacketType type = SocketPacketType::event;
  std::string name_space = "/";      ///< without a query
  std::optional<std::uint64_t> id;   ///< answer wanted (event) or given (ack)
  std::string_view data;             ///< part of the text that was parsed
};

/// Errors: invalid_argument for an unknown type or a broken head, unsupported for binary (5, 6).
Result<SocketPacket> parse_socket_packet(std::string_view text);

/// `["name", argument, ...]` to the name; `arguments` becomes the array of the rest. Errors:
/// invalid_argument when it is no JSON, nested too deeply, or no array that begins with a text.
Result<std::string> parse_socket_event(std::string_view data, nlohmann::json& arguments);

/// Text of a whole packet of Engine.IO (with the leading 4) that brings an event.
/// `arguments`: an array; anything else counts as the one argument.
std::string print_socket_event(std::string_view event, const nlohmann::json& arguments);

std::string print_socket_connect(std::string_view sid);
std::string print_socket_connect_error(std::string_view name_space, std::string_view message);
std::string print_socket_ack(std::uint64_t id);

}  // namespace invokeai::server
