#pragma once
// All sessions and clients of a server, and what is done with their events.

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "server/internal/engine_session.h"
#include "server/internal/network.h"
#include "server/socket_io.h"
#include "server/sockets.h"

namespace invokeai::server {

/// A session's client of the namespace "/".
class Client : public SocketClient, public std::enable_shared_from_this<Client> {
 public:
  Client(Network& network, std::weak_ptr<EngineSession> session, std::string id, Caller caller);

  const std::string& id() const override { return id_; }
  const Caller& caller() const override { return caller_; }
  void emit(std::string_view event, const nlohmann::json& arguments) override;

  SerialQueue& events() { return *events_; }
  void send(EngineSession::Text packet);  ///< from any thread
  void end(std::string why);              ///< from any thread
  std::atomic<std::size_t> waiting{0};    ///< bytes of events that came and are not handled yet

 private:
  const std::weak_ptr<Network> network_;
  const std::weak_ptr<EngineSession> session_;
  const std::string id_;
  const Caller caller_;
  const std::shared_ptr<SerialQueue> events_;
};

class Sockets : public SocketHub, public std::enable_shared_from_this<Sockets> {
 public:
  explicit Sockets(Network& network) : network_(network) {}

  void on(std::string event, EventHandler handler) override { handlers_[event] = std::move(handler); }
  void on_connect(ClientHandler handler) override { connected_ = std::move(handler); }
  void on_disconnect(ClientHandler handler) override { disconnected_ = std::move(handler); }
  void emit(std::string_view event, const nlohmann::json& arguments) override;
  int clients() const override { return count_; }

  // Network thread only.
  /// A new session; nullptr when there are too many.
  std::shared_ptr<EngineSession> open(const Caller& caller);
  std::shared_ptr<EngineSession> find(const std::string& sid) const;
  void close_all();

 private:
  struct Session {
    std::shared_ptr<EngineSession> engine;
    std::shared_ptr<Client> client;  // once it has joined the namespace
    Caller caller;
  };

  Result<> message(const std::string& sid, std::string_view text);
  Result<> take(Session& session, const SocketPacket& packet);
  void connect(Session& session);
  void disconnect(Session& session);
  void event(const std::shared_ptr<Client>& client, const SocketPacket& packet);
  void handle(const std::shared_ptr<Client>& client, const std::string& data,
              std::optional<std::uint64_t> id);

  Network& network_;
  std::map<std::string, EventHandler> handlers_;  // fixed once the server runs
  ClientHandler connected_, disconnected_;
  std::unordered_map<std::string, Session> sessions_;
  std::atomic<int> count_{0};
};

}  // namespace invokeai::server
