#include "server/socket_io.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace invokeai::server {
namespace {

constexpr int kMaxDepth = 64;  // levels of arrays and objects in one event

std::string dumped(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Brackets outside of texts never lie deeper than kMaxDepth.
bool is_shallow(std::string_view json) {
  int depth = 0;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"') {
      while (++i < json.size() && json[i] != '"')
        if (json[i] == '\\') ++i;
    } else if (json[i] == '[' || json[i] == '{') {
      if (++depth > kMaxDepth) return false;
    } else if (json[i] == ']' || json[i] == '}') {
      --depth;
    }
  }
  return true;
}

}  // namespace

Result<SocketPacket> parse_socket_packet(std::string_view text) {
  if (text.empty() || text[0] < '0' || text[0] > '6')
    return fail(ErrorCode::invalid_argument, "socket.io", "a message begins with a type from 0 to 6");
  if (text[0] > '4')
    return fail(ErrorCode::unsupported, "socket.io",
                "binary attachments are not accepted; send pictures as text or by POST /api/v1/images");
  SocketPacket packet;
  packet.type = static_cast<SocketPacketType>(text[0]);
  text.remove_prefix(1);
  if (text.starts_with('/')) {
    const std::string_view name = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), name.size() + 1));
    packet.name_space = name.substr(0, name.find('?'));
  }
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits > 18)
    return fail(ErrorCode::invalid_argument, "socket.io", "the number of an answer has at most 18 digits");
  if (digits > 0) packet.id = std::stoull(std::string(text.substr(0, digits)));
  packet.data = text.substr(digits);
  return packet;
}

Result<std::string> parse_socket_event(std::string_view data, nlohmann::json& arguments) {
  if (!is_shallow(data))
    return fail(ErrorCode::invalid_argument, "socket.io", "an event is nested at most {} levels deep",
                kMaxDepth);
  nlohmann::json event = nlohmann::json::parse(data, nullptr, false);
  if (!event.is_array() || event.empty() || !event[0].is_string())
    return fail(ErrorCode::invalid_argument, "socket.io",
                "an event is a JSON array that begins with its name, like [\"cancel\"]");
  std::string name = event[0].get<std::string>();
  event.erase(event.begin());
  arguments = std::move(event);
  return name;
}

std::string print_socket_event(std::string_view event, const nlohmann::json& arguments) {
  std::string text = "42[" + dumped(std::string(event));
  if (!arguments.is_array()) {
    text += ',' + dumped(arguments);
  } else {
    for (const nlohmann::json& argument : arguments) text += ',' + dumped(argument);
  }
  return text + ']';
}

std::string print_socket_connect(std::string_view sid) {
  return "40" + dumped({{"sid", std::string(sid)}});
}

std::string print_socket_connect_error(std::string_view name_space, std::string_view message) {
  std::string text = "44";
  if (name_space != "/") text += std::string(name_space) + ',';
  return text + dumped({{"message", std::string(message)}});
}

std::string print_socket_ack(std::uint64_t id) { return fmt::format("43{}[]", id); }

}  // namespace invokeai::server
