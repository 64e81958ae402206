#pragma once
// A client of plain sockets for the server's tests: it sends exactly the bytes it is told.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "server/http_server.h"

namespace invokeai::server {

/// What came back.
struct Reply {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

/// One TCP connection to 127.0.0.1. Every wait ends after ten seconds.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0) {
    descriptor_ = ::socket(AF_INET, SOCK_STREAM, 0);
    if (receive_buffer > 0)
      ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { hang_up(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  int descriptor() const { return descriptor_; }

  void hang_up() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  void end_sending() { ::shutdown(descriptor_, SHUT_WR); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      pollfd wanted{descriptor_, POLLOUT, 0};
      if (::poll(&wanted, 1, 10'000) <= 0) return false;
      const ssize_t put = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }

  /// More bytes into the buffer; false at the end, an error, or after `wait` milliseconds.
  bool receive(int wait = 10'000) {
    pollfd wanted{descriptor_, POLLIN, 0};
    if (::poll(&wanted, 1, wait) <= 0) return false;
    char bytes[65536];
    const ssize_t got = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    buffer_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  /// Takes `count` bytes.
  std::string take(std::size_t count) {
    while (buffer_.size() < count && receive()) {
    }
    const std::string out = buffer_.substr(0, count);
    buffer_.erase(0, out.size());
    return out;
  }

  /// Takes what comes up to and with `end`; empty when it does not come.
  std::string take_until(std::string_view end, int wait = 10'000) {
    std::size_t found, from = 0;
    while ((found = buffer_.find(end, from)) == std::string::npos) {
      from = buffer_.size() < end.size() ? 0 : buffer_.size() - end.size();
      if (!receive(wait)) return "";
    }
    const std::string out = buffer_.substr(0, found + end.size());
    buffer_.erase(0, out.size());
    return out;
  }

  /// True when the server ends the connection (within ten seconds), whatever else comes before.
  bool ended() {
    while (receive()) buffer_.clear();
    return ended_;
  }

  /// Head and body of one answer; status 0 when none came.
  Reply reply(bool head_only = false) {
    Reply out;
    std::string head = take_until("\r\n\r\n");
    if (head.size() < 12) return out;
    out.status = std::atoi(head.c_str() + 9);
    for (std::size_t at = head.find("\r\n") + 2; at + 2 < head.size();) {
      const std::size_t end = head.find("\r\n", at), colon = head.find(": ", at);
      std::string name = head.substr(at, colon - at);
      for (char& c : name) c = static_cast<char>(std::tolower(c));
      out.headers[name] = head.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
    const auto length = out.headers.find("content-length");
    if (!head_only && length != out.headers.end()) out.body = take(std::stoull(length->second));
    return out;
  }

  Reply ask(std::string_view method, std::string_view target, std::string_view headers = "",
            std::string_view body = "") {
    std::string text = std::string(method) + ' ' + std::string(target) +
                       " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers);
    if (!body.empty() || method == "POST" || method == "PUT")
      text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    text += "\r\n";
    text += body;
    return send(text) ? reply(method == "HEAD") : Reply{};
  }

 private:
  int descriptor_ = -1;
  bool connected_ = false, ended_ = false;
  std::string buffer_;
};

/// A running server on a free port of 127.0.0.1.
class ServerTest : public testing::Test {
 protected:
  void open(HttpServerOptions options = {}) {
    options.host = "127.0.0.1";
    options.port = 0;
    auto opened = HttpServer::open(options);
    ASSERT_TRUE(opened) << opened.error().text();
    server_ = *std::move(opened);
  }
  void start() { server_->start(); }
  std::unique_ptr<RawClient> client(int receive_buffer = 0) {
    return std::make_unique<RawClient>(server_->port(), receive_buffer);
  }
  Reply get(std::string_view target, std::string_view headers = "") {
    return client()->ask("GET", target, headers);
  }

  std::unique_ptr<HttpServer> server_;
};

/// True once `condition` holds, looked at for at most ten seconds.
template <class Condition>
bool becomes_true(Condition condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    ::usleep(10'000);
  }
  return false;
}

}  // namespace invokeai::server
