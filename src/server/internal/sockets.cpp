#include "server/internal/sockets.h"

#include <openssl/rand.h>

#include <exception>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

namespace invokeai::server {
namespace {

/// 160 bits that nobody can guess, in hexadecimal.
std::string new_sid() {
  unsigned char bytes[20];
  INVOKEAI_CHECK_EQ(::RAND_bytes(bytes, sizeof bytes), 1);
  std::string sid;
  for (const unsigned char byte : bytes) sid += fmt::format("{:02x}", byte);
  return sid;
}

}  // namespace

Client::Client(Network& network, std::weak_ptr<EngineSession> session, std::string id, Caller caller)
    : network_(network.weak_from_this()),
      session_(std::move(session)),
      id_(std::move(id)),
      caller_(std::move(caller)),
      events_(std::make_shared<SerialQueue>(network.handlers)) {}

void Client::emit(std::string_view event, const nlohmann::json& arguments) {
  send(std::make_shared<const std::string>(print_socket_event(event, arguments)));
}

void Client::send(EngineSession::Text packet) {
  if (const auto network = network_.lock())
    boost::asio::post(network->io, [session = session_, packet = std::move(packet)] {
      if (const auto engine = session.lock()) engine->send(packet);
    });
}

void Client::end(std::string why) {
  if (const auto network = network_.lock())
    boost::asio::post(network->io, [session = session_, why = std::move(why)] {
      if (const auto engine = session.lock()) engine->close(why);
    });
}

void Sockets::emit(std::string_view event, const nlohmann::json& arguments) {
  if (count_ == 0) return;
  auto packet = std::make_shared<const std::string>(print_socket_event(event, arguments));
  boost::asio::post(network_.io, [weak = weak_from_this(), packet] {
    const auto self = weak.lock();
    if (!self) return;
    // A client that is dropped for being slow leaves the table meanwhile.
    std::vector<std::shared_ptr<EngineSession>> joined;
    for (const auto& [sid, session] : self->sessions_)
      if (session.client) joined.push_back(session.engine);
    for (const auto& engine : joined) engine->send(packet);
  });
}

std::shared_ptr<EngineSession> Sockets::open(const Caller& caller) {
  if (static_cast<int>(sessions_.size()) >= network_.options.max_connections || network_.leaving)
    return nullptr;
  const std::string sid = new_sid();
  const auto engine = std::make_shared<EngineSession>(
      network_, sid,
      [this, sid](std::string_view text) { return message(sid, text); },
      [this, sid](const std::string&) {
        const auto at = sessions_.find(sid);
        if (at == sessions_.end()) return;
        Session session = std::move(at->second);
        sessions_.erase(at);
        disconnect(session);
        // Its last owner may be a function that is running.
        boost::asio::post(network_.io, [engine = std::move(session.engine)] {});
      });
  sessions_[sid] = {engine, nullptr, caller};
  return engine;
}

std::shared_ptr<EngineSession> Sockets::find(const std::string& sid) const {
  const auto at = sessions_.find(sid);
  return at == sessions_.end() ? nullptr : at->second.engine;
}

void Sockets::close_all() {
  while (!sessions_.empty()) {
    const auto engine = sessions_.begin()->second.engine;
    engine->close("the server is shutting down");
  }
}

Result<> Sockets::message(const std::string& sid, std::string_view text) {
  const auto at = sessions_.find(sid);
  if (at == sessions_.end()) return {};
  TRY_ASSIGN(const SocketPacket packet, parse_socket_packet(text));
  return take(at->second, packet);
}

Result<> Sockets::take(Session& session, const SocketPacket& packet) {
  const auto say = [&](std::string text) {
    session.engine->send(std::make_shared<const std::string>(std::move(text)));
  };
  if (packet.type == SocketPacketType::connect) {
    if (packet.name_space == "/")
      connect(session);
    else
      say(print_socket_connect_error(packet.name_space, "Invalid namespace"));
    return {};
  }
  if (packet.name_space != "/") return {};
  if (packet.type == SocketPacketType::disconnect) {
    disconnect(session);
    return {};
  }
  if (packet.type == SocketPacketType::ack) return {};  // none is ever asked for
  if (packet.type == SocketPacketType::event && session.client) {
    event(session.client, packet);
    return {};
  }
  return fail(ErrorCode::invalid_argument, "socket.io", "a client connects (40) before it sends events");
}

void Sockets::connect(Session& session) {
  const bool is_new = session.client == nullptr;
  if (is_new) {
    session.client = std::make_shared<Client>(network_, session.engine, new_sid(), session.caller);
    ++count_;
  }
  // Sending may drop a slow client, and its session with it: `session` is gone then.
  const auto client = session.client;
  session.engine->send(std::make_shared<const std::string>(print_socket_connect(client->id())));
  if (!is_new || !connected_) return;
  client->events().post([this, client] {
    try {
      connected_(client);
    } catch (const std::exception& exception) {
      network_.note(fmt::format("[socket] a new client: {}", exception.what()));
    }
  });
}

void Sockets::disconnect(Session& session) {
  const auto client = std::exchange(session.client, nullptr);
  if (!client) return;
  --count_;
  client->events().post([this, client] {
    try {
      if (disconnected_) disconnected_(client);
    } catch (const std::exception& exception) {
      network_.note(fmt::format("[socket] a client that left: {}", exception.what()));
    }
  });
}

void Sockets::event(const std::shared_ptr<Client>& client, const SocketPacket& packet) {
  // Events come faster than they are handled; what waits is bounded.
  const std::size_t cost = packet.data.size() + 1024;
  if ((client->waiting += cost) > 2 * network_.options.max_message + (1u << 20)) {
    network_.note("[socket] a client sends faster than its events can be handled; dropped");
    return client->end("too many events at once");
  }
  auto share = network_.bodies.share();
  if (!share->resize(cost)) {
    network_.note("[socket] events of other clients fill the memory; a client is put off");
    return client->end("too many events of others at once; try again in some seconds");
  }
  client->events().post([this, client, cost, share, id = packet.id, data = std::string(packet.data)] {
    handle(client, data, id);
    client->waiting -= cost;
  });
}

void Sockets::handle(const std::shared_ptr<Client>& client, const std::string& data,
                     std::optional<std::uint64_t> id) {
  nlohmann::json arguments;
  const Result<std::string> name = parse_socket_event(data, arguments);
  if (!name) {
    network_.note("[socket] refused: " + name.error().message);
    return client->end("bad event");
  }
  const auto handler = handlers_.find(*name);
  if (handler == handlers_.end()) {
    network_.note(fmt::format("[socket] an event nobody knows was ignored: {}", name->substr(0, 80)));
  } else {
    try {
      handler->second(client, arguments);
    } catch (const std::exception& exception) {
      network_.note(fmt::format("[socket] {}: {}", *name, exception.what()));
    }
  }
  if (id) client->send(std::make_shared<const std::string>(print_socket_ack(*id)));
}

}  // namespace invokeai::server
