#pragma once
// Socket.IO as the handlers see it: named events with JSON arguments (web spec 1.4-1.7).

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "server/http.h"

namespace invokeai::server {

/// One connected client. Thread-safe; no call waits.
class SocketClient {
 public:
  virtual ~SocketClient() = default;
  virtual const std::string& id() const = 0;
  virtual const Caller& caller() const = 0;
  /// `arguments`: an array, each element one argument of the event.
  virtual void emit(std::string_view event, const nlohmann::json& arguments) = 0;
};

/// All clients of the namespace "/". Thread-safe.
class SocketHub {
 public:
  /// Runs on a pool thread; events of one client one after the other, in their order.
  using EventHandler =
      std::function<void(const std::shared_ptr<SocketClient>&, const nlohmann::json& arguments)>;
  using ClientHandler = std::function<void(const std::shared_ptr<SocketClient>&)>;

  virtual ~SocketHub() = default;
  /// Before the server runs. An event nobody registered is logged and ignored.
  virtual void on(std::string event, EventHandler handler) = 0;
  virtual void on_connect(ClientHandler handler) = 0;
  virtual void on_disconnect(ClientHandler handler) = 0;
  /// To every client.
  virtual void emit(std::string_view event, const nlohmann::json& arguments) = 0;
  virtual int clients() const = 0;
};

}  // namespace invokeai::server
