// Server-sent events: their form, slow and vanishing readers, the end.

#include <atomic>

#include "server/raw_client.h"

namespace invokeai::server {
namespace {

using std::chrono::milliseconds;

class EventsTest : public ServerTest {
 protected:
  void open_stream(HttpServerOptions options = {}) {
    open(options);
    server_->router().get("/events", [this](const Request&) {
      return Response::events([this](std::shared_ptr<EventSink> sink) -> std::shared_ptr<void> {
        sink->send("hello", "{}", "1");
        sink_ = sink;
        ++open_;
        return {nullptr, [this](void*) { --open_; }};
      });
    });
    start();
  }
  std::unique_ptr<RawClient> listener(int receive_buffer = 0) {
    auto c = client(receive_buffer);
    c->send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    head_ = c->take_until("\r\n\r\n");
    EXPECT_EQ(c->take_until("\n\n"), "id: 1\nevent: hello\ndata: {}\n\n");
    EXPECT_TRUE(becomes_true([&] { return open_ > 0; }));
    return c;
  }
  ~EventsTest() override {
    server_ = nullptr;
    EXPECT_EQ(open_, 0);
  }

  std::atomic<int> open_ = 0;
  std::shared_ptr<EventSink> sink_;
  std::string head_;
};

TEST_F(EventsTest, SendsEventsInTheirForm) {
  open_stream();
  const auto c = listener();
  EXPECT_NE(head_.find("Content-Type: text/event-stream\r\n"), std::string::npos) << head_;
  EXPECT_EQ(head_.find("Content-Length"), std::string::npos) << head_;
  sink_->send("job", "one\ntwo\r\nthree");
  EXPECT_EQ(c->take_until("\n\n"), "event: job\ndata: one\ndata: two\ndata: three\n\n");
  sink_->send("a\nb", "", "1\r\n2");
  EXPECT_EQ(c->take_until("\n\n"), "id: 1  2\nevent: a b\ndata: \n\n");
  sink_->send("last", "x");
  sink_->close();
  EXPECT_EQ(c->take_until("\n\n"), "event: last\ndata: x\n\n");
  EXPECT_TRUE(c->ended());
  EXPECT_TRUE(sink_->closed());
  sink_->send("more", "x");
  c->hang_up();
  EXPECT_TRUE(becomes_true([&] { return open_ == 0; }));
}

TEST_F(EventsTest, KeepsQuietStreamsAlive) {
  HttpServerOptions options;
  options.event_keep_alive = milliseconds(50);
  open_stream(options);
  const auto c = listener();
  EXPECT_EQ(c->take_until("\n\n"), ":\n\n");
  EXPECT_EQ(c->take_until("\n\n"), ":\n\n");
}

TEST_F(EventsTest, NoticesThatAListenerLeft) {
  open_stream();
  auto c = listener();
  c = nullptr;
  EXPECT_TRUE(becomes_true([&] { return sink_->closed() && open_ == 0; }));
}

TEST_F(EventsTest, DropsListenersThatAreTooSlow) {
  HttpServerOptions options;
  options.max_backlog = 1'000'000;
  open_stream(options);
  const auto slow = listener(4096);
  const std::string much(100'000, 'x');
  for (int i = 0; i < 200; ++i) sink_->send("preview", much);
  EXPECT_TRUE(becomes_true([&] { return sink_->closed() && open_ == 0; }));
  EXPECT_TRUE(slow->ended());
}

TEST_F(EventsTest, HeadOpensNoStream) {
  open_stream();
  EXPECT_EQ(client()->ask("HEAD", "/events").status, 200);
  EXPECT_EQ(open_, 0);
}

TEST_F(EventsTest, SinksOutliveTheServer) {
  open_stream();
  const auto c = listener();
  server_->stop(milliseconds(500));
  EXPECT_TRUE(sink_->closed());
  server_ = nullptr;
  sink_->send("late", "x");
  sink_->close();
  EXPECT_TRUE(c->ended());
}

}  // namespace
}  // namespace invokeai::server
