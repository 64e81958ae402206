#include "server/http_server.h"

#include <future>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/internal/connection.h"
#include "server/internal/network.h"
#include "server/internal/sockets.h"
#include "server/internal/stream.h"

namespace invokeai::server {
namespace {

using Acceptor = asio::basic_socket_acceptor<Tcp, asio::io_context::executor_type>;
constexpr const char* kOrigin = "server";

/// Certificate and key into the TLS context. Errors: invalid_argument.
Result<> load_certificate(const HttpServerOptions& options, asio::ssl::context& context) {
  error_code error;
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                          asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                          asio::ssl::context::no_tlsv1_1,
                      error);
  context.use_certificate_chain_file(options.certfile, error);
  if (error)
    return fail(ErrorCode::invalid_argument, kOrigin, "--certfile {}: no certificate in PEM form: {}",
                options.certfile, error.message());
  context.use_private_key_file(options.keyfile, asio::ssl::context::pem, error);
  if (error)
    return fail(ErrorCode::invalid_argument, kOrigin,
                "--keyfile {}: no key in PEM form that fits the certificate: {}", options.keyfile,
                error.message());
  return {};
}

/// Opens the listening socket. Errors: invalid_argument (host), io (port).
Result<> listen(const HttpServerOptions& options, asio::io_context& io, Acceptor& acceptor) {
  error_code error;
  asio::ip::basic_resolver<Tcp, asio::io_context::executor_type> resolver(io);
  const auto found = resolver.resolve(options.host, std::to_string(options.port),
                                      Tcp::resolver::passive, error);
  if (error || found.empty())
    return fail(ErrorCode::invalid_argument, kOrigin,
                "--host {}: no address of this machine ({}); 127.0.0.1 is this machine alone, 0.0.0.0 "
                "all its networks", options.host, error.message());
  const Tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use)
    return fail(ErrorCode::io, kOrigin,
                "port {} is in use by another program; stop that one or choose another with --port",
                options.port);
  if (error == asio::error::access_denied)
    return fail(ErrorCode::io, kOrigin, "port {} needs more rights; choose one above 1023 with --port",
                options.port);
  if (error)
    return fail(ErrorCode::invalid_argument, kOrigin, "cannot listen on --host {} --port {}: {}",
                options.host, options.port, error.message());
  return {};
}

class Server : public HttpServer {
 public:
  explicit Server(HttpServerOptions options)
      : network_(std::make_shared<Network>(std::move(options))),
        acceptor_(network_->io),
        retry_(network_->io),
        farewell_(network_->io) {
    network_->sockets = std::make_shared<Sockets>(*network_);
  }

  ~Server() override {
    stop(std::chrono::seconds(1));
    network_->sockets = nullptr;
  }

  Result<> open() {
    const HttpServerOptions& options = network_->options;
    if (options.certfile.empty() != options.keyfile.empty())
      return fail(ErrorCode::invalid_argument, kOrigin, "TLS needs both --certfile and --keyfile");
    if (!options.certfile.empty()) {
      network_->tls.emplace(asio::ssl::context::tls_server);
      TRY_VOID(load_certificate(options, *network_->tls));
    }
    TRY_VOID(listen(options, network_->io, acceptor_));
    error_code error;
    port_ = acceptor_.local_endpoint(error).port();
    return {};
  }

  Router& router() override { return network_->router; }
  SocketHub& sockets() override { return *network_->sockets; }
  void set_authenticate(Authenticate authenticate) override {
    network_->authenticate = std::move(authenticate);
  }
  void set_access_log(std::function<void(const AccessRecord&)> log) override {
    network_->access_log = std::move(log);
  }
  void set_notes(std::function<void(const std::string&)> notes) override {
    network_->notes = std::move(notes);
  }
  std::uint16_t port() const override { return port_; }

  void start() override {
    INVOKEAI_CHECK(!thread_.joinable());
    accept();
    thread_ = std::thread([this] {
      const auto work = asio::make_work_guard(network_->io);
      network_->io.run();
    });
  }

  bool responds(std::chrono::milliseconds within) override {
    const auto said = std::make_shared<std::promise<void>>();
    asio::post(network_->io, [said] { said->set_value(); });
    return said->get_future().wait_for(within) == std::future_status::ready;
  }

  void stop(std::chrono::milliseconds patience) override {
    if (!thread_.joinable()) return;
    asio::post(network_->io, [this, patience] { begin_to_leave(patience); });
    thread_.join();
    network_->handlers.join();
    network_->files.join();
    // Network's thread is gone: this one is it now. What was posted since wants to be forgotten.
    network_->sockets->close_all();
  }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code error, Socket socket) {
      if (network_->leaving) return;
      if (error) return try_again();
      welcome(std::move(socket));
      accept();
    });
  }

  /// Out of file descriptors, mostly: some connection will end.
  void try_again() {
    retry_.expires_after(std::chrono::milliseconds(100));
    retry_.async_wait([this](error_code error) {
      if (!error && !network_->leaving) accept();
    });
  }

  void welcome(Socket socket) {
    if (static_cast<int>(network_->peers.size()) >= network_->options.max_connections) {
      static constexpr std::string_view kFull =
          "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\n"
          "Connection: close\r\n\r\n";
      error_code ignored;
      socket.non_blocking(true, ignored);
      if (!network_->tls) socket.write_some(asio::buffer(kFull), ignored);
      return;
    }
    error_code ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    const auto peer = socket.remote_endpoint(ignored);
    std::string remote = ignored ? "?" : peer.address().to_string();
    Stream stream = network_->tls ? Stream(std::move(socket), *network_->tls) : Stream(std::move(socket));
    std::make_shared<Connection>(*network_, std::move(stream), std::move(remote))->start();
  }

  void begin_to_leave(std::chrono::milliseconds patience) {
    network_->leaving = true;
    error_code ignored;
    acceptor_.close(ignored);
    network_->sockets->close_all();
    for (const auto& peer : present()) peer->leave();
    leave_until_ = std::chrono::steady_clock::now() + patience;
    look_who_is_left();
  }

  void look_who_is_left() {
    if (network_->peers.empty() || std::chrono::steady_clock::now() >= leave_until_) {
      for (const auto& peer : present()) peer->drop();
      return network_->io.stop();
    }
    farewell_.expires_after(std::chrono::milliseconds(10));
    farewell_.async_wait([this](error_code) { look_who_is_left(); });
  }

  std::vector<std::shared_ptr<Peer>> present() const {
    std::vector<std::shared_ptr<Peer>> all;
    for (const auto& [key, weak] : network_->peers)
      if (auto peer = weak.lock()) all.push_back(std::move(peer));
    return all;
  }

  std::shared_ptr<Network> network_;
  Acceptor acceptor_;
  asio::steady_timer retry_, farewell_;
  std::chrono::steady_clock::time_point leave_until_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::open(HttpServerOptions options) {
  auto server = std::make_unique<Server>(std::move(options));
  TRY_VOID(server->open());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace invokeai::server
