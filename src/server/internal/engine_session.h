#pragma once
// One session of Engine.IO: which transport it is on, what waits for it, and whether the client still
// answers (web spec 1.4).

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "server/engine_io.h"
#include "server/internal/network.h"

namespace invokeai::server {

class WebSocket;

/// 400 as Engine.IO says it: 0 transport unknown, 1 session unknown, 2 bad method, 3 bad request,
/// 5 unsupported version.
Response engine_refusal(int code, const std::string& message);

/// Network thread only.
class EngineSession : public std::enable_shared_from_this<EngineSession> {
 public:
  using Text = std::shared_ptr<const std::string>;
  using Answer = std::function<void(Response)>;
  /// Text of a message packet, without its 4. Errors end the session.
  using Message = std::function<Result<>(std::string_view)>;

  EngineSession(Network& network, std::string sid, Message message,
                std::function<void(const std::string& why)> closed);

  const std::string& sid() const { return sid_; }
  bool may_upgrade() const { return !closed_ && !socket_ && !probing_; }

  /// The first packet of a polling session.
  std::string open_polling();
  /// A session that begins as a WebSocket.
  void open_socket(std::shared_ptr<WebSocket> socket);

  /// The pending GET of a polling client. Answered when there is something to say.
  void poll(Answer answer);
  void forget_poll() { poll_ = nullptr; }
  Response post(const std::string& body);
  /// A WebSocket that wants to take over.
  void probe(std::shared_ptr<WebSocket> socket);

  /// A packet as print_packet() writes it.
  void send(Text packet);
  void close(const std::string& why);

 private:
  Result<> take(const Packet& packet);
  void flush();
  void adopt(std::shared_ptr<WebSocket> socket);
  void socket_text(const std::string& text);
  void probe_text(const std::shared_ptr<WebSocket>& socket, const std::string& text);
  void end_probe(const std::shared_ptr<WebSocket>& socket, const char* why);
  void nudge_poll();
  void ping();
  std::string handshake() const;

  Network& network_;
  const std::string sid_;
  const Message message_;
  std::function<void(const std::string&)> on_closed_;

  std::deque<Text> queue_;  // for the next poll, or the WebSocket that takes over
  std::size_t queued_ = 0;  // bytes in it
  Answer poll_;
  std::shared_ptr<WebSocket> socket_;   // in use
  std::shared_ptr<WebSocket> probing_;  // not yet
  boost::asio::steady_timer ping_timer_, probe_timer_;
  int probe_ticks_ = 0;
  bool probed_ = false, pong_awaited_ = false, closed_ = false;
};

}  // namespace invokeai::server
