#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "server/internal/connection.h"

namespace invokeai::server {
namespace {

constexpr std::chrono::milliseconds kPieceTime{60'000};  // for a client to take one piece
constexpr std::chrono::milliseconds kFarewell{2'000};    // for a client to end its side
constexpr std::chrono::milliseconds kShortFarewell{100};  // the same when the server is stopped

}  // namespace

void Connection::send(Prepared prepared) {
  if (dropped_) return;
  sending_ = std::move(prepared);
  body_offset_ = 0;
  record_.status = sending_.status;
  if (!sending_.keep_alive) keep_alive_ = false;
  write_piece();
}

/// Writes the head, if it has not been, and the next piece of the body.
void Connection::write_piece() {
  arm(kPieceTime);
  const std::size_t length = std::min(sending_.body.size() - body_offset_, kPiece);
  const std::array<asio::const_buffer, 2> buffers{
      asio::buffer(sending_.head), asio::buffer(sending_.body.data() + body_offset_, length)};
  body_offset_ += length;
  asio::async_write(stream_, buffers,
                    [self = shared_from_this()](error_code error, std::size_t count) {
                      self->written(error, count);
                    });
}

void Connection::written(error_code error, std::size_t count) {
  if (dropped_) return;
  if (error) return drop();
  sent_ += count;
  sending_.head.clear();
  if (body_offset_ < sending_.body.size()) return write_piece();
  if (sending_.file_left > 0) return next_piece();
  if (sending_.stream) return open_events(std::exchange(sending_.stream, nullptr));
  answered();
}

/// Has a thread read what comes next of the file.
void Connection::next_piece() {
  network_.files.post([self = shared_from_this(), file = sending_.file, offset = sending_.file_offset,
                       length = std::min<std::uint64_t>(sending_.file_left, kPiece)]() mutable {
    auto bytes = std::make_shared<std::string>(file->read(offset, static_cast<std::size_t>(length)));
    asio::io_context& io = self->network_.io;
    asio::post(io, [self = std::move(self), bytes] {
      if (self->dropped_) return;
      // A file that became shorter breaks the promise of its length: the client has to see that.
      if (bytes->empty()) return self->drop();
      self->sending_.file_offset += bytes->size();
      self->sending_.file_left -= bytes->size();
      self->sending_.body = std::move(*bytes);
      self->body_offset_ = 0;
      self->write_piece();
    });
  });
}

void Connection::log_answer() {
  record_.bytes = sent_;
  record_.duration = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began_);
  network_.log(std::exchange(record_, {}));
}

void Connection::answered() {
  log_answer();
  sending_ = {};
  if (keep_alive_ && !leave_)
    next_request();
  else
    finish();
}

/// Ends our side and waits a little for the client's, so that it can read all of the answer even if
/// it is still sending.
void Connection::finish() {
  if (dropped_) return;
  finishing_ = true;
  waiting_ = false;
  arm(network_.leaving ? kShortFarewell : kFarewell);
  if (TlsStream* tls = stream_.tls()) {
    tls->async_shutdown([self = shared_from_this()](error_code) { self->drop(); });
    return;
  }
  error_code error;
  stream_.socket().shutdown(Socket::shutdown_send, error);
  if (error) return drop();
  watch();
}

void Connection::open_events(OpenStream open) {
  disarm();
  const auto weak = weak_from_this();
  events_ = std::make_shared<EventStream>(
      network_,
      [weak](EventStream::Text text) {
        const auto self = weak.lock();
        if (!self || self->dropped_ || self->finishing_) return;
        self->event_queue_.push_back(std::move(text));
        self->write_event();
      },
      [weak] {
        const auto self = weak.lock();
        if (!self) return;
        self->end_events_ = true;
        self->write_event();
      },
      [weak] {
        if (const auto self = weak.lock()) self->drop();
      });
  if (leave_) return finish();
  watch();
  keep_events_alive();
  network_.handlers.post([self = shared_from_this(), open = std::move(open)]() mutable {
    auto token = std::make_shared<std::shared_ptr<void>>();
    try {
      *token = open(self->events_);
    } catch (const std::exception& exception) {
      self->network_.note(fmt::format("[http] a stream of events: {}", exception.what()));
      self->events_->close();
    }
    asio::io_context& io = self->network_.io;
    asio::post(io, [self = std::move(self), token] {
      if (!self->dropped_)
        self->events_token_ = std::move(*token);
      else
        self->network_.handlers.post([token] { *token = nullptr; });
    });
  });
}

void Connection::write_event() {
  if (dropped_ || finishing_ || writing_event_) return;
  if (event_queue_.empty()) {
    if (end_events_) finish();
    return;
  }
  writing_event_ = true;
  arm(kPieceTime);
  const EventStream::Text text = event_queue_.front();
  asio::async_write(stream_, asio::buffer(*text),
                    [self = shared_from_this(), text](error_code error, std::size_t count) {
                      if (self->dropped_) return;
                      self->writing_event_ = false;
                      if (error) return self->drop();
                      self->disarm();
                      self->event_queue_.pop_front();
                      self->events_->written(count);
                      self->sent_ += count;
                      self->write_event();
                    });
}

/// A comment now and then, so that neither side's routers forget the connection.
void Connection::keep_events_alive() {
  event_timer_.expires_after(network_.options.event_keep_alive);
  event_timer_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (error || !self || self->dropped_ || self->finishing_) return;
    if (self->event_queue_.empty()) self->events_->send_comment();
    self->keep_events_alive();
  });
}

}  // namespace invokeai::server
