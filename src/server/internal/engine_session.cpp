#include "server/internal/engine_session.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "server/internal/web_socket.h"

namespace invokeai::server {

using boost::system::error_code;
using CloseCode = boost::beast::websocket::close_code;

namespace {

// python-socketio's client takes no more in one payload.
constexpr std::size_t kPollPackets = 16;
constexpr std::chrono::milliseconds kProbeTick{100};
constexpr int kProbeTicks = 100;  // ten seconds

EngineSession::Text packet(PacketType type, std::string_view data = {}) {
  return std::make_shared<const std::string>(print_packet(type, data));
}

Response payload(std::string text) { return Response::text(std::move(text)); }

}  // namespace

Response engine_refusal(int code, const std::string& message) {
  return Response::json({{"code", code}, {"message", message}}, 400);
}

EngineSession::EngineSession(Network& network, std::string sid, Message message,
                             std::function<void(const std::string&)> closed)
    : network_(network),
      sid_(std::move(sid)),
      message_(std::move(message)),
      on_closed_(std::move(closed)),
      ping_timer_(network.io),
      probe_timer_(network.io) {}

std::string EngineSession::handshake() const {
  const HttpServerOptions& o = network_.options;
  return print_handshake(
      {sid_, !socket_, o.ping_interval.count(), o.ping_timeout.count(), o.max_message});
}

std::string EngineSession::open_polling() {
  ping();
  return handshake();
}

void EngineSession::open_socket(std::shared_ptr<WebSocket> socket) {
  adopt(std::move(socket));
  send(std::make_shared<const std::string>(handshake()));
  ping();
}

/// Waits an interval, sends a ping, waits for its answer.
void EngineSession::ping() {
  ping_timer_.expires_after(pong_awaited_ ? network_.options.ping_timeout
                                          : network_.options.ping_interval);
  ping_timer_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (error || !self || self->closed_) return;
    if (self->pong_awaited_) return self->close("no answer to a ping");
    self->pong_awaited_ = true;
    self->send(packet(PacketType::ping));
    self->ping();
  });
}

void EngineSession::poll(Answer answer) {
  if (poll_) {
    answer(engine_refusal(3, "a session has one GET at a time"));
    return close("two polls at once");
  }
  if (socket_)
    return answer(engine_refusal(3, "this session uses a WebSocket"));
  poll_ = std::move(answer);
  flush();
}

void EngineSession::flush() {
  if (socket_) {
    for (Text& text : queue_) socket_->send(std::move(text));
    queue_.clear();
    queued_ = 0;
  } else if (poll_ && !queue_.empty()) {
    std::string body;
    for (std::size_t i = 0; i < kPollPackets && !queue_.empty(); ++i) {
      if (i > 0) body += kPacketSeparator;
      body += *queue_.front();
      queued_ -= queue_.front()->size();
      queue_.pop_front();
    }
    std::exchange(poll_, nullptr)(payload(std::move(body)));
  }
}

void EngineSession::send(Text text) {
  if (closed_) return;
  queued_ += text->size();
  queue_.push_back(std::move(text));
  flush();
  const std::size_t waiting = queued_ + (socket_ ? socket_->backlog() : 0);
  if (waiting <= network_.options.max_backlog) return;
  network_.note(fmt::format("[socket] a client reads too slowly: {} bytes wait for it; dropped", waiting));
  if (socket_) socket_->drop();
  close("too slow");
}

Response EngineSession::post(const std::string& body) {
  const auto refuse = [this](const Error& error) {
    network_.note("[socket] refused: " + error.message);
    close("bad request");
    return engine_refusal(3, "Bad request: " + error.message);
  };
  if (socket_)
    return engine_refusal(3, "this session uses a WebSocket");
  const auto packets = parse_payload(body);
  if (!packets) return refuse(packets.error());
  for (const Packet& each : *packets) {
    if (closed_) break;
    if (const Result<> taken = take(each); !taken) return refuse(taken.error());
  }
  return Response::text("ok");
}

Result<> EngineSession::take(const Packet& packet) {
  switch (packet.type) {
    case PacketType::message: return message_(packet.data);
    case PacketType::pong:
      if (!std::exchange(pong_awaited_, false)) return {};
      ping();
      return {};
    case PacketType::ping: send(server::packet(PacketType::pong, packet.data)); return {};
    case PacketType::close: close("closed by the client"); return {};
    case PacketType::noop: return {};
    case PacketType::open:
    case PacketType::upgrade: break;
  }
  return fail(ErrorCode::invalid_argument, "engine.io", "a packet of type {} does not belong here",
              static_cast<char>(packet.type));
}

void EngineSession::adopt(std::shared_ptr<WebSocket> socket) {
  socket_ = std::move(socket);
  const auto weak = weak_from_this();
  socket_->listen(
      [weak](std::string text) {
        if (const auto self = weak.lock()) self->socket_text(text);
      },
      [weak] {
        if (const auto self = weak.lock()) self->close("the connection ended");
      });
}

void EngineSession::socket_text(const std::string& text) {
  if (closed_) return;
  const Result<Packet> packet = parse_packet(text);
  const Result<> taken = packet ? take(*packet) : tl::make_unexpected(packet.error());
  if (taken) return;
  network_.note("[socket] refused: " + taken.error().message);
  const bool binary = taken.error().code == ErrorCode::unsupported;
  // The reason of a close frame has at most 123 bytes.
  socket_->close(binary ? CloseCode::unknown_data : CloseCode::protocol_error,
                 taken.error().message.substr(0, 120));
  close("bad packet");
}

void EngineSession::probe(std::shared_ptr<WebSocket> socket) {
  if (!may_upgrade())
    return socket->close(CloseCode::policy_error, "this session has a WebSocket already");
  probing_ = socket;
  probe_ticks_ = 0;
  probed_ = false;
  const auto weak = weak_from_this();
  socket->listen(
      [weak, socket](const std::string& text) {
        if (const auto self = weak.lock())
          self->probe_text(socket, text);
        else
          socket->close(CloseCode::policy_error, "the session has ended");
      },
      [weak, raw = socket.get()] {
        const auto self = weak.lock();
        if (self && self->probing_.get() == raw) self->probing_ = nullptr;
      });
  nudge_poll();
}

void EngineSession::probe_text(const std::shared_ptr<WebSocket>& socket, const std::string& text) {
  if (closed_ || probing_ != socket) return;
  const auto packet = parse_packet(text);
  if (packet && *packet == Packet{PacketType::ping, "probe"}) {
    probed_ = true;
    return socket->send(server::packet(PacketType::pong, "probe"));
  }
  if (!packet || packet->type != PacketType::upgrade)
    return end_probe(socket, "wanted 2probe, then 5");
  probing_ = nullptr;
  probe_timer_.cancel();
  if (poll_) std::exchange(poll_, nullptr)(payload(print_packet(PacketType::noop)));
  adopt(socket);
  flush();
}

void EngineSession::end_probe(const std::shared_ptr<WebSocket>& socket, const char* why) {
  if (probing_ == socket) probing_ = nullptr;
  socket->close(CloseCode::policy_error, why);
}

/// While a probe is under way the client wants its pending GET answered, as it changes over only
/// when that is done.
void EngineSession::nudge_poll() {
  probe_timer_.expires_after(kProbeTick);
  probe_timer_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (error || !self || self->closed_ || !self->probing_) return;
    if (++self->probe_ticks_ > kProbeTicks) return self->end_probe(self->probing_, "no 5 came");
    if (self->probed_ && self->poll_)
      std::exchange(self->poll_, nullptr)(payload(print_packet(PacketType::noop)));
    self->nudge_poll();
  });
}

void EngineSession::close(const std::string& why) {
  if (std::exchange(closed_, true)) return;
  ping_timer_.cancel();
  probe_timer_.cancel();
  queue_.clear();
  queued_ = 0;
  if (auto poll = std::exchange(poll_, nullptr)) poll(payload(print_packet(PacketType::close)));
  if (auto socket = std::exchange(socket_, nullptr)) socket->close(CloseCode::normal, why.substr(0, 120));
  if (auto socket = std::exchange(probing_, nullptr)) socket->close(CloseCode::normal, "the session has ended");
  if (auto closed = std::exchange(on_closed_, nullptr)) closed(why);
}

}  // namespace invokeai::server
