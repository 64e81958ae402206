#include "server/internal/socket_endpoint.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "server/internal/connection.h"
#include "server/internal/sockets.h"
#include "server/internal/web_socket.h"

namespace invokeai::server {
namespace {

using Shared = std::shared_ptr<Connection>;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// Answers with the headers that let pages of an accepted other origin read it.
void answer(const Shared& connection, const Headers& cors, Response response) {
  response.headers.insert(response.headers.end(), cors.begin(), cors.end());
  response.headers.emplace_back("Cache-Control", "no-store");
  connection->answer(std::move(response));
}

Headers cors_headers(const Request& request, const OriginRules& rules) {
  const std::string origin = request.header("origin");
  if (origin.empty()) return {};
  Headers headers{{"Access-Control-Allow-Origin", origin}, {"Vary", "Origin"}};
  // Cookies go only with origins that somebody named, never with those that came in by "*".
  OriginRules named = rules;
  std::erase(named.cors, "*");
  const OriginHeaders given{request.header("host"), origin, request.header("x-forwarded-proto"),
                            request.header("x-forwarded-host"), request.secure};
  if (!refuse_socket_origin(named, given))
    headers.emplace_back("Access-Control-Allow-Credentials", "true");
  if (request.method != "OPTIONS") return headers;
  headers.emplace_back("Access-Control-Allow-Methods", "OPTIONS, GET, POST");
  if (const std::string asked = request.header("access-control-request-headers"); !asked.empty())
    headers.emplace_back("Access-Control-Allow-Headers", asked);
  return headers;
}

void open_session(Network& network, const Shared& connection, const Headers& cors) {
  connection->identify([&network, connection, cors] {
    const Request& request = connection->request();
    if (request.caller.role == Role::none)
      return answer(connection, cors,
                    Response::refused(401, "unauthorized",
                                      "log in first: POST /api/v1/session, or give the server's token"));
    const auto full = [&] {
      answer(connection, cors, Response::refused(503, "busy", "too many clients; try again later"));
    };
    if (!connection->wants_upgrade()) {
      const auto session = network.sockets->open(request.caller);
      if (!session) return full();
      return answer(connection, cors, Response::text(session->open_polling()));
    }
    const Caller caller = request.caller;
    connection->upgrade([&network, caller](const std::shared_ptr<WebSocket>& socket) {
      if (const auto session = network.sockets->open(caller))
        session->open_socket(socket);
      else
        socket->close(boost::beast::websocket::close_code::try_again_later, "too many clients");
    });
  });
}

void go_on(Network& network, const Shared& connection, const Headers& cors,
           const std::shared_ptr<EngineSession>& session) {
  const std::string& method = connection->request().method;
  if (connection->wants_upgrade()) {
    if (!session->may_upgrade())
      return answer(connection, cors, engine_refusal(3, "Bad request: this session has a WebSocket already"));
    return connection->upgrade([session](const std::shared_ptr<WebSocket>& socket) {
      session->probe(socket);
    });
  }
  if (method == "GET") {
    connection->watch_for_end([weak = std::weak_ptr(session)] {
      if (const auto polled = weak.lock()) polled->forget_poll();
    });
    return session->poll([connection, cors](Response response) {
      answer(connection, cors, std::move(response));
    });
  }
  connection->read_body(network.options.max_message, [connection, cors, session] {
    answer(connection, cors, session->post(connection->request().body));
  });
}

}  // namespace

bool is_socket_path(std::string_view path) { return path == "/socket.io/" || path == "/socket.io"; }

void answer_socket_request(Network& network, const Shared& connection) {
  const Request& request = connection->request();
  const OriginHeaders given{request.header("host"), request.header("origin"),
                            request.header("x-forwarded-proto"), request.header("x-forwarded-host"),
                            request.secure};
  if (const auto why = refuse_socket_origin(network.origins, given)) {
    network.note("[socket] refused: " + *why);
    return answer(connection, {}, Response::json("Not an accepted origin.", 400));
  }
  const Headers cors = cors_headers(request, network.origins);
  const std::string transport = request.query_value("transport"), sid = request.query_value("sid");
  const bool get = request.method == "GET";
  if (request.method == "OPTIONS") return answer(connection, cors, Response::empty());
  if (!get && request.method != "POST")
    return answer(connection, cors, engine_refusal(2, "Bad handshake method"));
  if (request.query_value("EIO") != "4")
    return answer(connection, cors, engine_refusal(5, "Unsupported protocol version"));
  if (transport != "polling" && transport != "websocket")
    return answer(connection, cors, engine_refusal(0, "Transport unknown"));
  if (connection->wants_upgrade() != (transport == "websocket"))
    return answer(connection, cors, engine_refusal(3, "Bad request: transport and upgrade do not agree"));
  if (sid.empty()) {
    if (!get) return answer(connection, cors, engine_refusal(2, "Bad handshake method"));
    return open_session(network, connection, cors);
  }
  const auto session = network.sockets->find(sid);
  if (!session) return answer(connection, cors, engine_refusal(1, "Session ID unknown"));
  go_on(network, connection, cors, session);
}

}  // namespace invokeai::server
