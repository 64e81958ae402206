// Any bytes, and each line of them, as a payload of Engine.IO, a packet of Socket.IO and an event:
// packets whose parts lie within the input and print as they came, or an error of one line.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "server/engine_io.h"
#include "server/http.h"
#include "server/socket_io.h"

namespace {

using namespace invokeai;
using namespace invokeai::server;

void check(std::string_view message) {
  const auto packet = parse_socket_packet(message);
  if (!packet) {
    INVOKEAI_CHECK(packet.error().message.find('\n') == std::string::npos);
    return;
  }
  INVOKEAI_CHECK(message.ends_with(packet->data));
  nlohmann::json arguments;
  const auto name = parse_socket_event(packet->data, arguments);
  if (!name) return;
  // What was understood comes back the same after it has been sent on.
  nlohmann::json again;
  const std::string sent = print_socket_event(*name, arguments);
  INVOKEAI_CHECK(parse_socket_event(std::string_view(sent).substr(2), again) == *name);
  INVOKEAI_CHECK(again.dump() == arguments.dump());
}

void check_payload(std::string_view text) {
  check(text);
  const auto packets = parse_payload(text);
  if (!packets) return;
  std::string printed;
  for (const Packet& packet : *packets) {
    if (!printed.empty()) printed += kPacketSeparator;
    printed += print_packet(packet.type, packet.data);
    if (packet.type == PacketType::message) check(packet.data);
  }
  INVOKEAI_CHECK(printed == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  check_payload(text);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    check_payload(line.substr(0, line.find(" =>")));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return 0;
}
