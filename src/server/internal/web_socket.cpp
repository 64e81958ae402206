#include "server/internal/web_socket.h"

#include <utility>

#include <boost/asio/buffer.hpp>

namespace invokeai::server {

namespace websocket = beast::websocket;

namespace {
constexpr std::chrono::milliseconds kFarewell{300};
constexpr std::size_t kReadStep = 64u << 10;  // bytes, as far as the memory goes
}

WebSocket::WebSocket(Network& network, Stream stream, std::string remote)
    : network_(network),
      stream_(std::move(stream)),
      remote_(std::move(remote)),
      farewell_(network.io),
      share_(network.bodies.share()) {
  websocket::stream_base::timeout timeout{};
  timeout.handshake_timeout = std::chrono::seconds(10);  // of the closing handshake as well
  timeout.idle_timeout = websocket::stream_base::none();  // Engine.IO has pings of its own
  timeout.keep_alive_pings = false;
  stream_.set_option(timeout);
  stream_.read_message_max(network.options.max_message);
  stream_.auto_fragment(false);  // one packet per frame
  stream_.text(true);
}

void WebSocket::accept(const UpgradeRequest& request,
                       std::function<void(std::shared_ptr<WebSocket>)> opened) {
  network_.enter(shared_from_this());
  stream_.async_accept(request, [self = shared_from_this(), opened = std::move(opened)](error_code error) {
    if (error || self->ended_) return self->end();
    if (self->network_.leaving) return self->leave();
    opened(self);
  });
}

void WebSocket::listen(std::function<void(std::string)> message, std::function<void()> closed) {
  const bool reading = message_ != nullptr;
  message_ = std::move(message);
  closed_ = std::move(closed);
  if (ended_) return end();
  if (!reading) read();
}

void WebSocket::read() {
  stream_.async_read_some(buffer_, kReadStep, [self = shared_from_this()](error_code error, std::size_t) {
    self->bytes_came(error);
  });
}

void WebSocket::bytes_came(error_code error) {
  if (error || ended_) return end();
  if (!share_->resize(buffer_.size())) {
    network_.note(fmt::format("[socket] {} sends a large message while others do; put off", remote_));
    return close(websocket::close_code::try_again_later,
                 "other messages fill the server's memory; try again in some seconds");
  }
  if (!stream_.is_message_done()) return read();
  message_came();
}

void WebSocket::message_came() {
  if (!stream_.got_text()) {
    network_.note(fmt::format("[socket] {} sent binary data, which is not accepted", remote_));
    return close(websocket::close_code::unknown_data, "binary messages are not accepted; send text");
  }
  std::string text(static_cast<const char*>(buffer_.data().data()), buffer_.size());
  buffer_.consume(buffer_.size());
  if (buffer_.capacity() > (1u << 20)) buffer_ = {};  // a large message does not keep its memory
  // The handler may replace itself while it runs.
  const auto message = message_;
  message(std::move(text));
  share_->resize(0);
  if (!ended_) read();
}

void WebSocket::send(Text text) {
  if (ended_ || closing_) return;
  backlog_ += text->size();
  queue_.push_back(std::move(text));
  write();
}

void WebSocket::write() {
  if (writing_ || queue_.empty() || ended_ || closing_) return;
  writing_ = true;
  const Text text = queue_.front();
  stream_.async_write(asio::buffer(*text),
                      [self = shared_from_this(), text](error_code error, std::size_t) {
                        self->writing_ = false;
                        if (error || self->ended_) return self->end();
                        if (!self->queue_.empty()) {
                          self->backlog_ -= text->size();
                          self->queue_.pop_front();
                        }
                        self->write();
                      });
}

void WebSocket::close(websocket::close_code code, std::string_view reason) {
  if (ended_ || std::exchange(closing_, true)) return;
  const websocket::close_reason why(code, beast::string_view(reason.data(), reason.size()));
  stream_.async_close(why, [self = shared_from_this()](error_code) { self->drop(); });
}

/// A client that does not answer the close frame holds up nobody's end.
void WebSocket::leave() {
  close(websocket::close_code::going_away, "the server is shutting down");
  farewell_.expires_after(kFarewell);
  farewell_.async_wait([weak = weak_from_this()](error_code error) {
    if (const auto self = weak.lock(); self && !error) self->drop();
  });
}

void WebSocket::drop() {
  stream_.next_layer().close();
  end();
}

void WebSocket::end() {
  if (!std::exchange(ended_, true)) {
    network_.goodbye(this);
    queue_.clear();
    backlog_ = 0;
  }
  message_ = nullptr;
  if (auto closed = std::exchange(closed_, nullptr)) closed();
}

}  // namespace invokeai::server
