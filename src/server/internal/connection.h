#pragma once
// One HTTP/1.1 connection: requests one after the other, until it ends or becomes something else.

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "server/internal/event_stream.h"
#include "server/internal/network.h"
#include "server/internal/prepared.h"
#include "server/internal/stream.h"

namespace invokeai::server {

class WebSocket;

class Connection : public Peer, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Network& network, Stream stream, std::string remote);

  void start();
  void leave() override;
  void drop() override;

  // For the socket's endpoint, between the head of a request and its answer.
  const Request& request() const { return request_; }
  bool wants_upgrade() const;
  bool has_body() const;
  /// Finds out on a pool thread who asks; goes on with `then` on the network's.
  void identify(std::function<void()> then);
  /// Reads the body into request(); a longer one is refused here.
  void read_body(std::size_t limit, std::function<void()> then);
  /// Notices from now on when the client goes; `gone` runs then, unless the answer came first.
  void watch_for_end(std::function<void()> gone);
  void answer(Response response);
  /// Becomes a WebSocket; `opened` runs when the client has been told.
  void upgrade(std::function<void(std::shared_ptr<WebSocket>)> opened);

 private:
  using Parser = beast::http::request_parser<beast::http::string_body>;
  using Clock = std::chrono::steady_clock;

  // Reading (connection.cpp)
  void next_request();
  void read_head();
  void head_came(error_code error);
  Result<> take_head();
  void dispatch();
  void run_handler();
  void continue_body(std::size_t limit);
  void refuse_body(Response response);
  void watch();
  void bytes_came(error_code error, std::size_t count);
  void arm(std::chrono::milliseconds time);
  void disarm() { deadline_.cancel(); }
  AnswerForm form() const;

  // Writing (connection_answer.cpp)
  void send(Prepared prepared);
  void write_piece();
  void written(error_code error, std::size_t count);
  void next_piece();
  void answered();
  void log_answer();
  void finish();
  void open_events(OpenStream open);
  void write_event();
  void keep_events_alive();

  Network& network_;
  Stream stream_;
  const std::string remote_;
  asio::steady_timer deadline_, event_timer_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;

  bool watching_ = false;   // a read is under way that waits for the next request, or the end
  bool waiting_ = false;    // between requests
  bool finishing_ = false;  // all is said; the client's end is awaited
  bool dropped_ = false;
  bool leave_ = false;

  Request request_;
  std::string raw_path_;
  CancelToken gone_;
  bool keep_alive_ = true;
  Clock::time_point began_;
  std::size_t body_progress_ = 0;
  std::shared_ptr<MemoryBudget::Share> body_share_;  // of request_.body
  std::function<void()> on_gone_, on_body_;
  AccessRecord record_;

  Prepared sending_;
  std::size_t body_offset_ = 0;
  std::uint64_t sent_ = 0;

  std::shared_ptr<EventStream> events_;
  std::shared_ptr<void> events_token_;
  std::deque<EventStream::Text> event_queue_;
  bool writing_event_ = false, end_events_ = false;
};

}  // namespace invokeai::server
