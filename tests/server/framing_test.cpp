// Engine.IO and Socket.IO packets against text tables.

#include <nlohmann/json.hpp>

#include "server/engine_io.h"
#include "server/http.h"
#include "server/socket_io.h"
#include "server/table.h"

namespace invokeai::server {
namespace {

TEST(Framing, EnginePayloads) {
  for (const TableCase& c : read_table("packets.txt")) {
    const auto packets = parse_payload(c.input);
    if (c.expected.starts_with("! ")) {
      expect_error(packets, c);
      continue;
    }
    ASSERT_TRUE(packets) << c.line;
    std::string got;
    for (const Packet& packet : *packets)
      got += fmt::format("{}{}:{}", got.empty() ? "" : " ", static_cast<char>(packet.type), packet.data);
    EXPECT_EQ(got, c.expected) << c.line;
  }
}

TEST(Framing, EnginePayloadsAreBounded) {
  std::string many = "6";
  for (int i = 0; i < 9'999; ++i) many += "\x1e" "6";
  EXPECT_TRUE(parse_payload(many));
  EXPECT_FALSE(parse_payload(many + "\x1e" "6"));
}

TEST(Framing, SocketPackets) {
  for (const TableCase& c : read_table("socket_packets.txt")) {
    const auto packet = parse_socket_packet(c.input);
    if (c.expected.starts_with("! ")) {
      expect_error(packet, c);
      continue;
    }
    ASSERT_TRUE(packet) << c.line;
    EXPECT_EQ(fmt::format("{} {} {} |{}", static_cast<char>(packet->type), packet->name_space,
                          packet->id ? std::to_string(*packet->id) : "-", packet->data),
              c.expected);
  }
}

TEST(Framing, SocketEventsAreBounded) {
  nlohmann::json arguments;
  const auto deep = [](int levels) {
    return "[\"a\"," + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "]";
  };
  EXPECT_EQ(parse_socket_event(R"(["a",1,null,{"b":"[[["}])", arguments).value(), "a");
  EXPECT_EQ(arguments.dump(), R"([1,null,{"b":"[[["}])");
  EXPECT_TRUE(parse_socket_event(deep(64), arguments));
  EXPECT_FALSE(parse_socket_event(deep(65), arguments));
  EXPECT_TRUE(parse_socket_event("[\"\\\"" + std::string(100, '[') + "\"]", arguments));
}

TEST(Framing, PrintsWhatClientsExpect) {
  using nlohmann::json;
  EXPECT_EQ(print_socket_event("a \"b\"", json::array()), R"(42["a \"b\""])");
  EXPECT_EQ(print_socket_event("a", json::array({1, {{"k", "ü"}}, nullptr})), R"(42["a",1,{"k":"ü"},null])");
  EXPECT_EQ(print_socket_event("a", {{"k", 1}}), R"(42["a",{"k":1}])");
  EXPECT_EQ(print_socket_event("a", json::array({"\xff"})), "42[\"a\",\"\xef\xbf\xbd\"]");
  EXPECT_EQ(print_socket_connect("xyz"), R"(40{"sid":"xyz"})");
  EXPECT_EQ(print_socket_connect_error("/", "no"), R"(44{"message":"no"})");
  EXPECT_EQ(print_socket_ack(7), "437[]");
  EXPECT_EQ(print_handshake({"abc", false, 25000, 60000, 100}),
            R"(0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":60000,"maxPayload":100})");
}

}  // namespace
}  // namespace invokeai::server
