#include "server/internal/connection.h"

#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "server/internal/socket_endpoint.h"
#include "server/internal/web_socket.h"
#include "server/url.h"

namespace invokeai::server {

namespace http = beast::http;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kMaxHead = 64u << 10;
constexpr milliseconds kIdle{75'000};             // between two requests of a connection
constexpr milliseconds kBodyProgress{30'000};     // for each kBodyStep bytes of a body
constexpr std::size_t kBodyStep = 64u << 10;

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

Response too_large(std::size_t limit) {
  return Response::refused(413, "invalid_argument",
                           fmt::format("a request has at most {} bytes here", limit));
}

Response too_much_at_once(const MemoryBudget& bodies) {
  Response response = Response::refused(
      503, "busy",
      fmt::format("other requests fill the {} MiB that all of them may have at a time; try again in "
                  "some seconds",
                  bodies.limit() >> 20));
  response.headers.emplace_back("Retry-After", "5");
  return response;
}

bool changes_something(const std::string& method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

}  // namespace

Connection::Connection(Network& network, Stream stream, std::string remote)
    : network_(network),
      stream_(std::move(stream)),
      remote_(std::move(remote)),
      deadline_(network.io),
      event_timer_(network.io) {}

void Connection::start() {
  network_.enter(shared_from_this());
  TlsStream* tls = stream_.tls();
  if (tls == nullptr) return next_request();
  arm(network_.options.header_timeout);
  tls->async_handshake(TlsStream::server, [self = shared_from_this()](error_code error) {
    if (error || self->dropped_) return self->drop();
    self->next_request();
  });
}

void Connection::leave() {
  leave_ = true;
  if (waiting_ && buffer_.size() == 0) return drop();
  if (events_) return finish();
}

void Connection::drop() {
  if (std::exchange(dropped_, true)) return;
  deadline_.cancel();
  event_timer_.cancel();
  gone_.cancel();
  stream_.close();
  network_.goodbye(this);
  if (events_) {
    events_->mark_closed();
    event_queue_.clear();
    log_answer();
    // What a stream keeps may wait for a lock when it goes.
    network_.handlers.post([token = std::move(events_token_)]() mutable { token = nullptr; });
  }
  const auto body = std::exchange(on_body_, nullptr);  // it keeps this connection alive
  if (auto gone = std::exchange(on_gone_, nullptr)) gone();
}

void Connection::arm(milliseconds time) {
  deadline_.expires_after(time);
  deadline_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (!error && self && self->deadline_.expiry() <= Clock::now()) self->drop();
  });
}

void Connection::next_request() {
  if (leave_ || network_.leaving) return finish();
  waiting_ = true;
  arm(kIdle);
  if (buffer_.size() > 0) return read_head();
  watch();
}

void Connection::watch() {
  if (std::exchange(watching_, true)) return;
  stream_.async_read_some(buffer_.prepare(16u << 10),
                          [self = shared_from_this()](error_code error, std::size_t count) {
                            self->bytes_came(error, count);
                          });
}

void Connection::bytes_came(error_code error, std::size_t count) {
  watching_ = false;
  if (dropped_) return;
  if (error) {
    // Nothing more will be asked. An answer under way is still written: the client may only have
    // ended its half.
    gone_.cancel();
    if (auto gone = std::exchange(on_gone_, nullptr)) gone();
    keep_alive_ = false;
    if (waiting_ || finishing_ || events_) drop();
    return;
  }
  if (finishing_ || events_) return watch();  // whatever is said now, nobody listens
  buffer_.commit(count);
  if (waiting_) read_head();
}

void Connection::read_head() {
  waiting_ = false;
  request_ = {};
  gone_ = {};
  keep_alive_ = true;
  sent_ = 0;
  began_ = Clock::now();
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(kMaxHead));
  parser_->body_limit(boost::none);
  arm(network_.options.header_timeout);
  http::async_read_header(stream_, buffer_, *parser_,
                          [self = shared_from_this()](error_code error, std::size_t) {
                            self->head_came(error);
                          });
}

void Connection::head_came(error_code error) {
  if (dropped_) return;
  disarm();
  if (error == http::error::end_of_stream || error == http::error::partial_message) return drop();
  const bool ours = error.category() == make_error_code(http::error::bad_method).category();
  if (error && !ours) return drop();
  if (error) {
    keep_alive_ = false;
    if (error == http::error::header_limit)
      return answer(Response::refused(431, "invalid_argument",
                                      fmt::format("the head of a request has at most {} bytes", kMaxHead)));
    return answer(Response::refused(400, "invalid_argument",
                                    "this is no request of HTTP/1.1: " + error.message()));
  }
  if (const Result<> taken = take_head(); !taken) {
    keep_alive_ = false;
    return answer(Response::error(taken.error()));
  }
  dispatch();
}

/// Parser to request_. Errors: invalid_argument (address).
Result<> Connection::take_head() {
  const auto& head = parser_->get();
  keep_alive_ = parser_->keep_alive() && !leave_;
  request_.method = view(head.method_string());
  request_.remote = remote_;
  request_.secure = stream_.tls() != nullptr;
  request_.gone = gone_;
  for (const auto& field : head) {
    std::string& value = request_.headers[lowered(view(field.name_string()))];
    // Cookies may come in several lines (RFC 9113); of other fields the list form is the same.
    if (!value.empty()) value += field.name() == http::field::cookie ? "; " : ", ";
    value += view(field.value());
  }
  request_.path = "?";
  TRY_ASSIGN(Target target, parse_target(view(head.target())));
  request_.path = std::move(target.path);
  request_.query = std::move(target.query);
  raw_path_ = std::move(target.raw_path);
  return {};
}

void Connection::dispatch() {
  const auto refuse = [this](Response response) {
    if (has_body()) keep_alive_ = false;
    answer(std::move(response));
  };
  if (const auto why = refuse_host(network_.origins, request_.header("host"))) {
    network_.note(fmt::format("[http] {} refused: {}", remote_, *why));
    return refuse(Response::refused(403, "forbidden", *why));
  }
  if (is_socket_path(request_.path)) return answer_socket_request(network_, shared_from_this());
  if (changes_something(request_.method)) {
    const OriginHeaders headers{request_.header("host"), request_.header("origin"),
                                request_.header("x-forwarded-proto"),
                                request_.header("x-forwarded-host"), request_.secure};
    if (const auto why = refuse_origin(network_.origins, headers)) {
      network_.note(fmt::format("[http] {} refused: {}", remote_, *why));
      return refuse(Response::refused(403, "forbidden", *why));
    }
  }
  if (!has_body()) return run_handler();
  // Nobody sends a body for nothing: who may not ask is told before.
  auto refused = std::make_shared<std::optional<Response>>();
  network_.handlers.post([self = shared_from_this(), refused]() mutable {
    self->request_.caller = self->network_.caller_of(self->request_);
    *refused = self->network_.router.refuse(self->request_, self->raw_path_);
    asio::io_context& io = self->network_.io;
    asio::post(io, [self = std::move(self), refused] {
      if (self->dropped_) return;
      if (*refused) {
        self->keep_alive_ = false;
        return self->answer(*std::move(*refused));
      }
      self->read_body(self->network_.options.max_body, [self] { self->run_handler(); });
    });
  });
}

bool Connection::has_body() const {
  return parser_->chunked() || parser_->content_length().value_or(0) > 0;
}

bool Connection::wants_upgrade() const { return beast::websocket::is_upgrade(parser_->get()); }

void Connection::identify(std::function<void()> then) {
  network_.handlers.post([self = shared_from_this(), then = std::move(then)]() mutable {
    self->request_.caller = self->network_.caller_of(self->request_);
    asio::io_context& io = self->network_.io;
    asio::post(io, [self = std::move(self), then = std::move(then)] {
      if (!self->dropped_) then();
    });
  });
}

void Connection::read_body(std::size_t limit, std::function<void()> then) {
  if (!has_body()) return then();
  const std::uint64_t length = parser_->content_length().value_or(0);
  if (length > limit) return refuse_body(too_large(limit));
  if (length > network_.bodies.left()) return refuse_body(too_much_at_once(network_.bodies));
  body_share_ = network_.bodies.share();
  parser_->body_limit(limit);
  body_progress_ = 0;
  on_body_ = std::move(then);
  arm(kBodyProgress);
  if (lowered(request_.header("expect")) != "100-continue") return continue_body(limit);
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(stream_, asio::buffer(kContinue),
                    [self = shared_from_this(), limit](error_code error, std::size_t) {
                      if (error) return self->drop();
                      self->continue_body(limit);
                    });
}

void Connection::continue_body(std::size_t limit) {
  if (dropped_) return;
  if (parser_->is_done()) {
    disarm();
    request_.body = std::move(parser_->get().body());
    return std::exchange(on_body_, nullptr)();
  }
  http::async_read_some(
      stream_, buffer_, *parser_,
      [self = shared_from_this(), limit](error_code error, std::size_t count) {
        if (self->dropped_) return;
        if (error == http::error::body_limit) return self->refuse_body(too_large(limit));
        if (error) return self->drop();
        if (!self->body_share_->resize(self->parser_->get().body().size()))
          return self->refuse_body(too_much_at_once(self->network_.bodies));
        self->body_progress_ += count;
        if (self->body_progress_ >= kBodyStep) {
          self->body_progress_ = 0;
          self->arm(kBodyProgress);
        }
        self->continue_body(limit);
      });
}

/// The rest of the body is not read, and what came of it is forgotten.
void Connection::refuse_body(Response response) {
  keep_alive_ = false;
  std::string().swap(parser_->get().body());
  answer(std::move(response));
}

AnswerForm Connection::form() const {
  return {request_.method == "HEAD",
          keep_alive_ && !leave_,
          {request_.header("if-none-match"), request_.header("if-modified-since"),
           request_.header("range"), request_.header("if-range")}};
}

void Connection::watch_for_end(std::function<void()> gone) {
  on_gone_ = std::move(gone);
  if (buffer_.size() == 0) watch();
}

void Connection::run_handler() {
  watch_for_end(nullptr);
  // The pool works on copies: request_ stays the network's.
  AnswerForm form = this->form();
  network_.handlers.post([self = shared_from_this(), request = std::move(request_), form,
                          known = has_body(), share = std::move(body_share_)]() mutable {
    Network& network = self->network_;
    if (!known) request.caller = network.caller_of(request);
    auto record = std::make_shared<AccessRecord>();
    *record = {request.remote, request.method, request.path, request.caller.name};
    Response response = network.router.answer(std::move(request), self->raw_path_);
    if (network.leaving) form.keep_alive = false;
    auto prepared = std::make_shared<Prepared>(prepare(std::move(response), form));
    asio::post(network.io, [self = std::move(self), prepared, record] {
      self->record_ = std::move(*record);
      self->send(std::move(*prepared));
    });
  });
}

void Connection::answer(Response response) {
  record_ = {remote_, request_.method, request_.path, request_.caller.name};
  on_gone_ = on_body_ = nullptr;
  std::string().swap(request_.body);
  body_share_ = nullptr;
  send(prepare(std::move(response), form()));
}

void Connection::upgrade(std::function<void(std::shared_ptr<WebSocket>)> opened) {
  disarm();
  dropped_ = true;  // what is left of this object is only memory
  network_.goodbye(this);
  const auto socket = std::make_shared<WebSocket>(network_, std::move(stream_), remote_);
  socket->accept(parser_->get(), std::move(opened));
}

}  // namespace invokeai::server
