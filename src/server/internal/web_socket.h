#pragma once
// One WebSocket: whole text messages in and out.

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "server/internal/network.h"
#include "server/internal/stream.h"

namespace invokeai::server {

/// Network thread only.
class WebSocket : public Peer, public std::enable_shared_from_this<WebSocket> {
 public:
  using Text = std::shared_ptr<const std::string>;
  using UpgradeRequest = beast::http::request<beast::http::string_body>;

  WebSocket(Network& network, Stream stream, std::string remote);

  /// Answers the request that asks for it; `opened` runs when that is sent. Reading begins with
  /// listen().
  void accept(const UpgradeRequest& request, std::function<void(std::shared_ptr<WebSocket>)> opened);
  /// `message` for each text, then `closed` once, when no more come.
  void listen(std::function<void(std::string)> message, std::function<void()> closed);
  void send(Text text);
  /// Says why in the close frame; messages that wait are not sent any more.
  void close(beast::websocket::close_code code, std::string_view reason);

  std::size_t backlog() const { return backlog_; }  ///< bytes that wait
  void leave() override;
  void drop() override;

 private:
  void read();
  void bytes_came(error_code error);
  void message_came();
  void write();
  void end();

  Network& network_;
  beast::websocket::stream<Stream> stream_;
  const std::string remote_;
  asio::steady_timer farewell_;
  beast::flat_buffer buffer_;
  const std::shared_ptr<MemoryBudget::Share> share_;  // of buffer_
  std::function<void(std::string)> message_;
  std::function<void()> closed_;
  std::deque<Text> queue_;
  std::size_t backlog_ = 0;
  bool writing_ = false, closing_ = false, ended_ = false;
};

}  // namespace invokeai::server
