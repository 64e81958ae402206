#pragma once
// What all connections of one server share. Everything that says nothing else belongs to the
// network's thread.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

#include "server/http_server.h"
#include "server/internal/handler_pool.h"
#include "server/memory_budget.h"
#include "server/origin.h"
#include "server/router.h"

namespace invokeai::server {

class Sockets;

/// Somebody at the other end of a connection, whatever is spoken there.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual void leave() = 0;  ///< end politely as soon as what is under way is done
  virtual void drop() = 0;   ///< end now
};

struct Network : std::enable_shared_from_this<Network> {
  explicit Network(HttpServerOptions o);

  HttpServerOptions options;
  OriginRules origins;
  boost::asio::io_context io{1};
  std::optional<boost::asio::ssl::context> tls;
  Router router;
  Authenticate authenticate;  ///< called on pool threads
  std::unordered_map<Peer*, std::weak_ptr<Peer>> peers;
  std::atomic<bool> leaving{false};  ///< the server is being stopped
  std::shared_ptr<Sockets> sockets;

  MemoryBudget bodies;  ///< of requests and socket messages, until they are handled
  HandlerPool handlers;
  HandlerPool files;  ///< reading of large files
  std::function<void(const AccessRecord&)> access_log;
  std::function<void(const std::string&)> notes;
  std::shared_ptr<SerialQueue> log_queue;  ///< logs may wait for a terminal; the network may not

  void log(AccessRecord record);
  void note(std::string line);
  /// Takes part in the count of connections until it says goodbye.
  void enter(const std::shared_ptr<Peer>& peer) { peers[peer.get()] = peer; }
  void goodbye(Peer* peer) { peers.erase(peer); }
  /// Who asks, as a pool thread finds out.
  Caller caller_of(const Request& request) const;
};

}  // namespace invokeai::server
