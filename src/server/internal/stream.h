#pragma once
// One connection's bytes, with or without TLS, behind one type.

#include <memory>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/websocket/teardown.hpp>

namespace invokeai::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using Tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<Tcp, asio::io_context::executor_type>;
using TlsStream = asio::ssl::stream<Socket&>;

/// An AsyncStream of Asio. Used on the network's thread only.
class Stream {
 public:
  using executor_type = Socket::executor_type;

  explicit Stream(Socket socket) : parts_(std::make_unique<Parts>(std::move(socket))) {}
  Stream(Socket socket, asio::ssl::context& context) : Stream(std::move(socket)) {
    parts_->tls.emplace(parts_->socket, context);
  }

  executor_type get_executor() { return parts_->socket.get_executor(); }
  Socket& socket() { return parts_->socket; }
  TlsStream* tls() { return parts_->tls ? &*parts_->tls : nullptr; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [](auto handler, Parts* parts, const Buffers& into) {
          if (parts->tls)
            parts->tls->async_read_some(into, std::move(handler));
          else
            parts->socket.async_read_some(into, std::move(handler));
        },
        token, parts_.get(), buffers);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        [](auto handler, Parts* parts, const Buffers& from) {
          if (parts->tls)
            parts->tls->async_write_some(from, std::move(handler));
          else
            parts->socket.async_write_some(from, std::move(handler));
        },
        token, parts_.get(), buffers);
  }

  /// Drops the connection at once; operations under way end with an error.
  void close() {
    error_code ignored;
    parts_->socket.close(ignored);
  }

  friend void beast_close_socket(Stream& stream) { stream.close(); }

  /// How a WebSocket takes leave of the stream below it (found by Beast).
  template <class Handler>
  friend void async_teardown(beast::role_type role, Stream& stream, Handler&& handler) {
    if (TlsStream* tls = stream.tls()) {
      tls->async_shutdown(std::forward<Handler>(handler));
      return;
    }
    using beast::websocket::async_teardown;
    async_teardown(role, stream.socket(), std::forward<Handler>(handler));
  }

 private:
  struct Parts {
    explicit Parts(Socket s) : socket(std::move(s)) {}
    Socket socket;
    std::optional<TlsStream> tls;  // refers to the socket
  };
  std::unique_ptr<Parts> parts_;
};

}  // namespace invokeai::server
