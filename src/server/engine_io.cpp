#include "server/engine_io.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace invokeai::server {

Result<Packet> parse_packet(std::string_view text) {
  if (text.empty())
    return fail(ErrorCode::invalid_argument, "engine.io", "a packet begins with its type; this is empty");
  if (text[0] == 'b')
    return fail(ErrorCode::unsupported, "engine.io",
                "binary packets are not accepted; send pictures as text or by POST /api/v1/images");
  if (text[0] < '0' || text[0] > '6')
    return fail(ErrorCode::invalid_argument, "engine.io",
                "a packet begins with a type from 0 to 6, not with byte {}",
                static_cast<unsigned char>(text[0]));
  return Packet{static_cast<PacketType>(text[0]), text.substr(1)};
}

Result<std::vector<Packet>> parse_payload(std::string_view body, std::size_t limit) {
  std::vector<Packet> packets;
  for (bool more = true; more;) {
    const std::size_t end = body.find(kPacketSeparator);
    more = end != std::string_view::npos;
    if (packets.size() == limit)
      return fail(ErrorCode::invalid_argument, "engine.io", "at most {} packets are taken at once", limit);
    TRY_ASSIGN(const Packet packet, parse_packet(body.substr(0, end)));
    packets.push_back(packet);
    if (more) body.remove_prefix(end + 1);
  }
  return packets;
}

std::string print_packet(PacketType type, std::string_view data) {
  std::string text(1, static_cast<char>(type));
  text += data;
  return text;
}

std::string print_handshake(const Handshake& handshake) {
  auto upgrades = nlohmann::json::array();
  if (handshake.may_upgrade) upgrades.push_back("websocket");
  const nlohmann::ordered_json value{{"sid", handshake.sid},
                                     {"upgrades", upgrades},
                                     {"pingInterval", handshake.ping_interval},
                                     {"pingTimeout", handshake.ping_timeout},
                                     {"maxPayload", handshake.max_payload}};
  return print_packet(PacketType::open, value.dump());
}

}  // namespace invokeai::server
