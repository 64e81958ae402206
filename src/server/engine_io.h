#pragma once
// Framing of Engine.IO 4: packets, and payloads of several packets. Text only (web spec 1.4).

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace invokeai::server {

enum class PacketType : char {
  open = '0', close = '1', ping = '2', pong = '3', message = '4', upgrade = '5', noop = '6'
};

struct Packet {
  PacketType type = PacketType::noop;
  std::string_view data;  ///< part of the text that was parsed

  bool operator==(const Packet&) const = default;
};

constexpr char kPacketSeparator = '\x1e';

/// Errors: invalid_argument for an empty packet or unknown type, unsupported for a binary one ("b").
Result<Packet> parse_packet(std::string_view text);

/// One packet or several with 0x1E between them, as the body of a POST has them. Errors: those of
/// parse_packet() and invalid_argument for more than `limit` packets.
Result<std::vector<Packet>> parse_payload(std::string_view body, std::size_t limit = 10'000);

std::string print_packet(PacketType type, std::string_view data = {});

struct Handshake {
  std::string sid;
  bool may_upgrade = true;
  long long ping_interval = 0, ping_timeout = 0;  ///< milliseconds
  std::size_t max_payload = 0;                    ///< bytes
};

/// The open packet that a session begins with.
std::string print_handshake(const Handshake& handshake);

}  // namespace invokeai::server
