#pragma once
// A WebSocket client over RawClient, for text messages and for frames that should not be.

#include <string>
#include <string_view>

#include "server/raw_client.h"

namespace invokeai::server {

struct Frame {
  int opcode = -1;  ///< 1 text, 8 close; -1: none came
  std::string data;
};

class WebSocketClient {
 public:
  explicit WebSocketClient(std::uint16_t port) : raw_(port) {}

  /// Status of the answer; 101 when the WebSocket is open.
  int open(std::string_view query, std::string_view headers = "") {
    raw_.send("GET /socket.io/?EIO=4&transport=websocket" + std::string(query) +
              " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
              std::string(headers) + "\r\n");
    return raw_.reply(true).status;
  }

  bool send(std::string_view text) { return send_frame(0x81, text); }

  /// `first`: the first byte of the frame (0x81: a whole text, 0x82: binary).
  bool send_frame(int first, std::string_view data) {
    std::string frame(1, static_cast<char>(first));
    if (data.size() < 126) {
      frame += static_cast<char>(0x80 | data.size());
    } else {
      const int bytes = data.size() < 65536 ? 2 : 8;
      frame += static_cast<char>(0x80 | (bytes == 2 ? 126 : 127));
      for (int i = bytes - 1; i >= 0; --i) frame += static_cast<char>(data.size() >> (8 * i));
    }
    const std::string mask("\x01\x02\x03\x04", 4);
    frame += mask;
    for (std::size_t i = 0; i < data.size(); ++i) frame += static_cast<char>(data[i] ^ mask[i % 4]);
    return raw_.send(frame);
  }

  /// The next frame; the server never splits a message.
  Frame frame() {
    const std::string head = raw_.take(2);
    if (head.size() < 2) return {};
    std::uint64_t length = static_cast<unsigned char>(head[1]) & 0x7f;
    if (length >= 126) {
      const std::string bytes = raw_.take(length == 126 ? 2 : 8);
      length = 0;
      for (const char byte : bytes) length = length << 8 | static_cast<unsigned char>(byte);
    }
    return {static_cast<unsigned char>(head[0]) & 0xf, raw_.take(length)};
  }
  std::string text() { return frame().data; }

  RawClient& raw() { return raw_; }

 private:
  RawClient raw_;
};

}  // namespace invokeai::server
