#pragma once
// The network side of `invokeai --web`: HTTP/1.1, TLS, WebSocket, and Engine.IO below /socket.io/.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/router.h"
#include "server/sockets.h"

namespace invokeai::server {

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 9090;            ///< 0: any free one
  std::string certfile, keyfile;        ///< PEM; both or neither
  std::vector<std::string> cors;        ///< --cors: origins allowed besides our own; "*": any
  std::vector<std::string> hosts;       ///< more names this server answers to (--allowed_hosts)
  std::size_t max_body = 256u << 20;    ///< bytes of one request
  std::size_t max_message = 128u << 20;  ///< bytes of one socket message
  std::size_t max_held = 512u << 20;    ///< bytes of all bodies and messages not handled yet
  std::size_t max_backlog = 64u << 20;  ///< bytes waiting for one slow client
  int max_connections = 1024;
  int pool_threads = 8;                 ///< for handlers
  std::chrono::milliseconds ping_interval{25'000};
  std::chrono::milliseconds ping_timeout{60'000};
  std::chrono::milliseconds header_timeout{30'000};
  std::chrono::milliseconds event_keep_alive{15'000};  ///< a comment on a quiet event stream
};

/// Tells who sends a request (token, session cookie, nobody). Called before the router, on a pool
/// thread, without the body.
using Authenticate = std::function<Caller(const Request&)>;

/// One line for each answered request, for logs and metrics.
struct AccessRecord {
  std::string remote, method, path, user;
  int status = 0;
  std::uint64_t bytes = 0;
  std::chrono::microseconds duration{};
};

class HttpServer {
 public:
  /// Binds and listens at once, so that a wrong port is an error here; answers from start() on.
  /// Errors: invalid_argument (host, certificates), io (port in use: names it and what to do).
  static Result<std::unique_ptr<HttpServer>> open(HttpServerOptions options);
  virtual ~HttpServer() = default;

  virtual Router& router() = 0;    ///< fill before start()
  virtual SocketHub& sockets() = 0;
  virtual void set_authenticate(Authenticate authenticate) = 0;
  virtual void set_access_log(std::function<void(const AccessRecord&)> log) = 0;
  /// Lines worth a log: refused origins, unknown events, clients that were too slow. Like the access
  /// log it runs on a thread of its own and may wait.
  virtual void set_notes(std::function<void(const std::string&)> notes) = 0;

  virtual std::uint16_t port() const = 0;
  virtual void start() = 0;
  /// Whether the network's thread takes up something new within this time.
  virtual bool responds(std::chrono::milliseconds within) = 0;
  /// Closes the listener, ends streams and sockets (a close frame, never a Socket.IO disconnect:
  /// web spec 1.4), waits at most this long for answers under way. Safe to call twice.
  virtual void stop(std::chrono::milliseconds patience) = 0;
};

}  // namespace invokeai::server
