// Engine.IO and Socket.IO as clients see them: polling, WebSocket, the way from one to the other.

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "server/web_socket_client.h"

namespace invokeai::server {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr const char* kPoll = "/socket.io/?EIO=4&transport=polling";

class SocketsTest : public ServerTest {
 protected:
  /// A server that answers "echo" to the asker and knows "all" for everybody.
  void open_hub(HttpServerOptions options = {}) {
    open(options);
    server_->sockets().on("echo", [](const auto& c, const json& a) { c->emit("echoed", a); });
    server_->sockets().on("all", [this](const auto&, const json& a) { server_->sockets().emit("told", a); });
    server_->sockets().on("throw", [](const auto&, const json& a) { (void)a.at(7); });
    server_->sockets().on("size", [](const auto& c, const json& a) {
      c->emit("size", json::array({a.at(0).template get_ref<const std::string&>().size()}));
    });
    server_->sockets().on_connect([this](const auto&) { ++came_; });
    server_->sockets().on_disconnect([this](const auto&) { ++left_; });
    server_->set_notes([this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      notes_ += line + '\n';
    });
    start();
  }
  std::string notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }
  ~SocketsTest() override { server_ = nullptr; }

  /// sid of a new polling session.
  std::string handshake() {
    const Reply reply = get(kPoll);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.body.empty() ? "" : json::parse(reply.body.substr(1)).at("sid");
  }
  Reply poll(const std::string& sid) { return get(std::string(kPoll) + "&sid=" + sid); }
  Reply post(const std::string& sid, const std::string& body) {
    return client()->ask("POST", std::string(kPoll) + "&sid=" + sid, "Content-Type: text/plain\r\n", body);
  }
  /// A polling session that has joined the namespace.
  std::string joined() {
    const std::string sid = handshake();
    EXPECT_EQ(post(sid, "40").body, "ok");
    EXPECT_EQ(poll(sid).body.substr(0, 9), R"(40{"sid":)");
    return sid;
  }

  std::atomic<int> came_ = 0, left_ = 0;
  std::mutex mutex_;
  std::string notes_;
};

TEST_F(SocketsTest, PollsFromHandshakeToEvents) {
  open_hub();
  const Reply hello = get(std::string(kPoll) + "&t=abc");
  const json open = json::parse(hello.body.substr(1));
  EXPECT_EQ(hello.body[0], '0');
  EXPECT_EQ(open["upgrades"], json::array({"websocket"}));
  EXPECT_EQ(open["pingInterval"], 25000);
  EXPECT_EQ(open["pingTimeout"], 60000);
  EXPECT_EQ(open["maxPayload"], 128 << 20);
  const std::string sid = open["sid"];
  EXPECT_EQ(post(sid, "40").body, "ok");
  EXPECT_EQ(poll(sid).body.substr(0, 9), R"(40{"sid":)");
  // A poll that waits, then one that finds two packets.
  const auto waiting = client();
  waiting->send("GET " + std::string(kPoll) + "&sid=" + sid + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(post(sid, R"(42["echo",1,{"a":"ü"}])").body, "ok");
  EXPECT_EQ(waiting->reply().body, R"(42["echoed",1,{"a":"ü"}])");
  EXPECT_EQ(post(sid, "42[\"echo\",1]\x1e" "42[\"echo\",2]\x1e" "427[\"echo\"]").body, "ok");
  std::string all;
  EXPECT_TRUE(becomes_true([&] {
    all += poll(sid).body + '|';
    return all.find("437[]") != std::string::npos;
  }));
  EXPECT_LT(all.find("[\"echoed\",1]"), all.find("[\"echoed\",2]"));
  EXPECT_LT(all.find("[\"echoed\",2]"), all.find("[\"echoed\"]"));
  EXPECT_EQ(server_->sockets().clients(), 1);
  EXPECT_EQ(came_, 1);
  EXPECT_EQ(post(sid, "1").body, "ok");
  EXPECT_EQ(poll(sid).status, 400);
  EXPECT_TRUE(becomes_true([&] { return left_ == 1; }));
}

TEST_F(SocketsTest, SpeaksThroughAWebSocketFromTheStart) {
  open_hub();
  WebSocketClient c(server_->port());
  ASSERT_EQ(c.open(""), 101);
  const std::string hello = c.text();
  EXPECT_EQ(json::parse(hello.substr(1))["upgrades"], json::array());
  c.send("40");
  EXPECT_EQ(c.text().substr(0, 9), R"(40{"sid":)");
  c.send("40/admin,");
  EXPECT_EQ(c.text(), R"(44/admin,{"message":"Invalid namespace"})");
  c.send(R"(42["echo","a\u0000b"])");
  EXPECT_EQ(c.text(), R"(42["echoed","a\u0000b"])");
  c.send(R"(42["nobody knows"])");
  c.send(R"(42["throw"])");
  c.send(R"(4212["echo"])");
  EXPECT_EQ(c.text(), R"(42["echoed"])");
  EXPECT_EQ(c.text(), "4312[]");
  EXPECT_TRUE(becomes_true([&] { return notes().find("[socket] throw: ") != std::string::npos; }));
  EXPECT_NE(notes().find("an event nobody knows was ignored: nobody knows"), std::string::npos);
  c.raw().hang_up();
  EXPECT_TRUE(becomes_true([&] { return left_ == 1 && server_->sockets().clients() == 0; }));
}

TEST_F(SocketsTest, UpgradesWithoutLosingMessages) {
  open_hub();
  const std::string sid = joined();
  const auto waiting = client();
  waiting->send("GET " + std::string(kPoll) + "&sid=" + sid + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  WebSocketClient c(server_->port());
  ASSERT_EQ(c.open("&sid=" + sid), 101);
  c.send("2probe");
  EXPECT_EQ(c.text(), "3probe");
  EXPECT_EQ(waiting->reply().body, "6");  // let go, so that the client can change over
  // Events still come by POST while the probe is under way, and their answers wait.
  EXPECT_EQ(post(sid, R"(42["echo","between"])").body, "ok");
  EXPECT_EQ(post(sid, R"(42["all","told"])").body, "ok");
  ::usleep(50'000);
  c.send("5");
  EXPECT_EQ(c.text(), R"(42["echoed","between"])");
  EXPECT_EQ(c.text(), R"(42["told","told"])");
  c.send(R"(42["echo","after"])");
  EXPECT_EQ(c.text(), R"(42["echoed","after"])");
  EXPECT_EQ(poll(sid).status, 400);
  WebSocketClient second(server_->port());
  EXPECT_EQ(second.open("&sid=" + sid), 400);
}

TEST_F(SocketsTest, FailedProbesLeaveTheSessionAlone) {
  open_hub();
  const std::string sid = joined();
  for (const char* words : {"2wrong", "4x", "nonsense"}) {
    WebSocketClient c(server_->port());
    ASSERT_EQ(c.open("&sid=" + sid), 101) << words;
    c.send(words);
    EXPECT_EQ(c.frame().opcode, 8) << words;
  }
  EXPECT_EQ(post(sid, R"(42["echo",1])").body, "ok");
  EXPECT_EQ(poll(sid).body, R"(42["echoed",1])");
}

TEST_F(SocketsTest, ProbesThatVanishLeaveTheSessionAlone) {
  open_hub();
  const std::string sid = joined();
  for (int i = 0; i < 3; ++i) {
    WebSocketClient c(server_->port());
    ASSERT_TRUE(becomes_true([&] { return c.open("&sid=" + sid) == 101; }));
    c.send("2probe");
    EXPECT_EQ(c.text(), "3probe");
    c.raw().hang_up();
    ::usleep(50'000);
  }
  EXPECT_EQ(post(sid, R"(42["echo",1])").body, "ok");
  EXPECT_EQ(poll(sid).body, R"(42["echoed",1])");
}

TEST_F(SocketsTest, RefusesWhatIsWrongWithARequest) {
  open_hub();
  const auto code = [&](const std::string& query) {
    const Reply reply = get("/socket.io/?" + query);
    EXPECT_EQ(reply.status, 400) << query;
    return json::parse(reply.body).at("code").get<int>();
  };
  EXPECT_EQ(code("EIO=4&transport=polling&sid=unknown"), 1);
  EXPECT_EQ(code("EIO=4&transport=carrier-pigeon"), 0);
  EXPECT_EQ(code("EIO=4"), 0);
  EXPECT_EQ(code("EIO=3&transport=polling"), 5);
  EXPECT_EQ(code("transport=polling"), 5);
  EXPECT_EQ(code("EIO=4&transport=websocket"), 3);
  EXPECT_EQ(client()->ask("POST", kPoll, "", "40").status, 400);
  EXPECT_EQ(client()->ask("PUT", kPoll, "", "40").status, 400);
  WebSocketClient c(server_->port());
  EXPECT_EQ(c.open("&sid=unknown"), 400);
}

TEST_F(SocketsTest, RefusesBadPacketsAndEndsTheirSession) {
  open_hub();
  for (const char* bad : {"", "9", "b4AAAA", "7", "0{}", "5", "4", "49", "42[\"echo\"]", "451-[\"x\"]",
                          "42\x1e\x1e", "421234567890123456789[]"}) {
    const std::string sid = handshake();
    const Reply reply = post(sid, bad);
    EXPECT_EQ(reply.status, 400) << bad;
    EXPECT_EQ(json::parse(reply.body).at("code"), 3) << bad;
    EXPECT_EQ(poll(sid).status, 400) << bad;
  }
  for (const char* bad : {"42", "42nonsense", "42{}", "42[]", "42[1]", "42[\"\xff\"]"}) {
    const std::string sid = joined();
    EXPECT_EQ(post(sid, bad).status, 200) << bad;
    EXPECT_TRUE(becomes_true([&] { return poll(sid).status == 400; })) << bad;
  }
  const std::string sid = joined();
  EXPECT_EQ(post(sid, "42[\"echo\"," + std::string(100'000, '[')).status, 200);
  EXPECT_TRUE(becomes_true([&] { return poll(sid).status == 400; }));
}

TEST_F(SocketsTest, RefusesBinaryFramesClearly) {
  open_hub();
  WebSocketClient c(server_->port());
  ASSERT_EQ(c.open(""), 101);
  c.text();
  c.send_frame(0x82, "\x01\x02");
  const Frame frame = c.frame();
  EXPECT_EQ(frame.opcode, 8);
  EXPECT_EQ(frame.data.substr(0, 2), "\x03\xeb");  // 1003
  EXPECT_NE(frame.data.find("binary"), std::string::npos);
}

TEST_F(SocketsTest, MalformedFramesEndOnlyTheirOwnConnection) {
  open_hub();
  WebSocketClient good(server_->port());
  ASSERT_EQ(good.open(""), 101);
  good.text();
  good.send("40");
  good.text();
  const std::string texts[] = {std::string("\x81\x05hello", 7),                      // not masked
                               std::string("\xf1\x80\x01\x02\x03\x04", 6),            // reserved bits
                               std::string("\x83\x80\x01\x02\x03\x04", 6),            // unknown opcode
                               std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\2\3\4", 14),  // huge
                               std::string("\x80\x80\x01\x02\x03\x04", 6),            // goes on with nothing
                               std::string("\x89\xfe\x01\x00\x01\x02\x03\x04", 8)};   // long ping
  for (const std::string& text : texts) {
    WebSocketClient c(server_->port());
    ASSERT_EQ(c.open(""), 101);
    c.text();
    c.raw().send(text);
    EXPECT_TRUE(c.raw().ended());
  }
  good.send(R"(42["echo",1])");
  EXPECT_EQ(good.text(), R"(42["echoed",1])");
}

TEST_F(SocketsTest, LargeMessagesGoBothWaysAndTheLimitHolds) {
  HttpServerOptions options;
  options.max_message = 12'000'000;
  open_hub(options);
  const std::string big = R"(42["size",")" + std::string(10'000'000, 'x') + "\"]";
  WebSocketClient c(server_->port());
  ASSERT_EQ(c.open(""), 101);
  c.text();
  c.send("40");
  c.text();
  c.send(big);
  EXPECT_EQ(c.text(), R"(42["size",10000000])");
  c.send(R"(42["echo",")" + std::string(10'000'000, 'y') + "\"]");
  EXPECT_EQ(c.text().size(), 10'000'000u + 15u);
  const std::string sid = joined();
  EXPECT_EQ(post(sid, big).body, "ok");
  EXPECT_EQ(poll(sid).body, R"(42["size",10000000])");
  EXPECT_EQ(post(sid, big + std::string(3'000'000, ' ')).status, 413);
  c.send(big + std::string(3'000'000, ' '));
  EXPECT_TRUE(c.raw().ended());
}

TEST_F(SocketsTest, MessagesOfAllClientsTogetherAreLimited) {
  HttpServerOptions options;
  options.max_message = 3'000'000;
  options.max_held = 4'000'000;
  open_hub(options);
  WebSocketClient half(server_->port()), whole(server_->port());
  for (WebSocketClient* c : {&half, &whole}) {
    ASSERT_EQ(c->open(""), 101);
    c->text();
    c->send("40");
    c->text();
  }
  // A message of 2.5 MB, of which the last byte does not come.
  std::string head("\x81\xff\0\0\0\0\0\x26\x25\xa0\1\2\3\4", 14);
  ASSERT_TRUE(half.raw().send(head + std::string(2'499'999, 'x')));
  EXPECT_TRUE(becomes_true([&] {
    WebSocketClient another(server_->port());
    another.open("");
    another.text();
    another.send(std::string(2'500'000, 'x'));
    const Frame frame = another.frame();
    return frame.opcode == 8 && frame.data.substr(0, 2) == "\x03\xf5";  // 1013, try again later
  }));
  EXPECT_TRUE(becomes_true([&] { return notes().find("while others do; put off") != std::string::npos; }));
  whole.send(R"(42["echo","small"])");
  EXPECT_EQ(whole.text(), R"(42["echoed","small"])");
  half.raw().hang_up();
  EXPECT_TRUE(becomes_true([&] { return server_->sockets().clients() == 1; }));
  whole.send(R"(42["size",")" + std::string(1'500'000, 'x') + "\"]");
  EXPECT_EQ(whole.text(), R"(42["size",1500000])");
}

TEST_F(SocketsTest, OnlyOnePollWaits) {
  open_hub();
  const std::string sid = joined();
  const auto first = client();
  first->send("GET " + std::string(kPoll) + "&sid=" + sid + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ::usleep(100'000);
  EXPECT_EQ(poll(sid).status, 400);
  EXPECT_EQ(first->reply().body, "1");
}

TEST_F(SocketsTest, APollWhoseClientHungUpIsForgotten) {
  open_hub();
  const std::string sid = joined();
  const auto first = client();
  first->send("GET " + std::string(kPoll) + "&sid=" + sid + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  ::usleep(100'000);
  first->hang_up();
  ::usleep(100'000);
  EXPECT_EQ(post(sid, R"(42["echo",1])").body, "ok");
  EXPECT_EQ(poll(sid).body, R"(42["echoed",1])");
}

TEST_F(SocketsTest, PingsAndEndsSessionsThatDoNotAnswer) {
  HttpServerOptions options;
  options.ping_interval = milliseconds(150);
  options.ping_timeout = milliseconds(300);
  open_hub(options);
  WebSocketClient c(server_->port());
  ASSERT_EQ(c.open(""), 101);
  c.text();
  const std::string sid = handshake();
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(c.text(), "2");
    c.send("3");
  }
  EXPECT_EQ(poll(sid).status, 400);  // never answered
  EXPECT_EQ(c.text(), "2");
  EXPECT_EQ(c.frame().opcode, 8);
}

TEST_F(SocketsTest, ReadersThatAreTooSlowAreDropped) {
  HttpServerOptions options;
  options.max_backlog = 2'000'000;
  open_hub(options);
  const std::string lazy = joined();
  WebSocketClient c(server_->port());
  ASSERT_EQ(c.open(""), 101);
  c.text();
  c.send("40");
  c.text();
  const json megabyte = json::array({std::string(1'000'000, 'x')});
  for (int i = 0; i < 100; ++i) server_->sockets().emit("told", megabyte);
  EXPECT_TRUE(becomes_true([&] { return server_->sockets().clients() == 0; }));
  EXPECT_NE(notes().find("reads too slowly"), std::string::npos);
  EXPECT_EQ(poll(lazy).status, 400);
}

TEST_F(SocketsTest, ClientsThatFillTheirQueueWithQuestionsAreDropped) {
  HttpServerOptions options;
  options.max_backlog = 2'000;
  open_hub(options);
  std::string questions;
  // 47 answers of 42 bytes just fit; the greeting that follows them does not.
  for (int i = 0; i < 47; ++i) questions += "40/nowhere,\x1e";
  const std::string sid = handshake();
  EXPECT_EQ(post(sid, questions + "40").status, 200);
  EXPECT_EQ(poll(sid).status, 400);
  EXPECT_NE(handshake(), "");
  EXPECT_EQ(server_->sockets().clients(), 0);
}

TEST_F(SocketsTest, TwoHundredClientsHearEverything) {
  open_hub();
  std::vector<std::unique_ptr<WebSocketClient>> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(std::make_unique<WebSocketClient>(server_->port()));
    ASSERT_EQ(all.back()->open(""), 101);
    all.back()->text();
    all.back()->send("40");
  }
  for (const auto& c : all) EXPECT_EQ(c->text().substr(0, 9), R"(40{"sid":)");
  EXPECT_EQ(server_->sockets().clients(), 200);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) server_->sockets().emit("tick", json::array({i}));
    });
  for (std::thread& thread : threads) thread.join();
  for (const auto& c : all) {
    int heard = 0;
    for (int i = 0; i < 100; ++i) heard += c->text().starts_with("42[\"tick\",");
    EXPECT_EQ(heard, 100);
  }
  server_->stop(milliseconds(2000));
  // A close frame, and never a 41: clients are to come back by themselves.
  for (const auto& c : all) EXPECT_EQ(c->frame().opcode, 8);
}

TEST_F(SocketsTest, OriginsAreCheckedAndEchoed) {
  HttpServerOptions options;
  options.cors = {"https://friend.example"};
  open_hub(options);
  const Reply evil = get(kPoll, "Origin: https://evil.example\r\n");
  EXPECT_EQ(evil.status, 400);
  EXPECT_EQ(evil.body, "\"Not an accepted origin.\"");
  EXPECT_EQ(evil.headers.count("access-control-allow-origin"), 0u);
  EXPECT_TRUE(becomes_true([&] { return notes().find("--cors https://evil.example") != std::string::npos; }));
  WebSocketClient c(server_->port());
  EXPECT_EQ(c.open("", "Origin: https://evil.example\r\n"), 400);
  const Reply good = get(kPoll, "Origin: https://friend.example\r\n");
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.headers.at("access-control-allow-origin"), "https://friend.example");
  EXPECT_EQ(good.headers.at("access-control-allow-credentials"), "true");
  const Reply asked = client()->ask("OPTIONS", kPoll, "Origin: https://friend.example\r\n"
                                                      "Access-Control-Request-Headers: x-a\r\n");
  EXPECT_EQ(asked.headers.at("access-control-allow-methods"), "OPTIONS, GET, POST");
  EXPECT_EQ(asked.headers.at("access-control-allow-headers"), "x-a");
}

TEST_F(SocketsTest, StrangersGetNoSession) {
  open(HttpServerOptions{});
  server_->set_authenticate([](const Request& r) {
    return r.query_value("token") == "s" ? Caller{"ann", Role::user} : Caller{};
  });
  std::string who;
  server_->sockets().on("who", [](const auto& c, const json&) { c->emit("you", c->caller().name); });
  start();
  EXPECT_EQ(get(kPoll).status, 401);
  WebSocketClient stranger(server_->port());
  EXPECT_EQ(stranger.open(""), 401);
  WebSocketClient c(server_->port());
  EXPECT_EQ(c.open("&token=s"), 101);
  c.text();
  c.send("40");
  c.text();
  c.send(R"(42["who"])");
  EXPECT_EQ(c.text(), R"(42["you","ann"])");
}

}  // namespace
}  // namespace invokeai::server
