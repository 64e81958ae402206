// The server's network side over plain sockets: requests, limits, files, and clients that misbehave.

#include <fcntl.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "server/raw_client.h"

namespace invokeai::server {
namespace {

using std::chrono::milliseconds;

/// A folder that goes with the test.
class HttpServerTest : public ServerTest {
 protected:
  HttpServerTest() {
    folder_ = fs::temp_directory_path() / fmt::format("server-test-{}-{}", ::getpid(), ++number);
    fs::create_directories(folder_);
  }
  ~HttpServerTest() override {
    server_ = nullptr;
    fs::remove_all(folder_);
  }
  fs::path write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  static inline int number = 0;
  fs::path folder_;
};

TEST_F(HttpServerTest, AnswersManyRequestsOnOneConnection) {
  open();
  server_->router().get("/hello", [](const Request& r) { return Response::text("hello " + r.query_value("who")); });
  server_->router().post("/echo", [](const Request& r) { return Response::text(r.body); });
  start();
  const auto c = client();
  for (int i = 0; i < 5; ++i) {
    const Reply reply = c->ask("GET", "/hello?who=a+b%2Bc");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "hello a b+c");
    EXPECT_EQ(reply.headers.at("x-content-type-options"), "nosniff");
    EXPECT_EQ(c->ask("POST", "/echo", "", std::string(70'000, 'x')).body.size(), 70'000u);
  }
  const Reply head = c->ask("HEAD", "/hello?who=x");
  EXPECT_EQ(head.headers.at("content-length"), "7");
  EXPECT_EQ(c->ask("GET", "//hello").status, 200);
  EXPECT_EQ(c->ask("GET", "http://localhost/hello").status, 200);
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  open();
  server_->router().get("/{n}", [](const Request& r) { return Response::text(r.parameter("n")); });
  start();
  const auto c = client();
  std::string all;
  for (int i = 0; i < 20; ++i) all += fmt::format("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", i);
  c->send(all);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(c->reply().body, std::to_string(i));
}

TEST_F(HttpServerTest, TakesChunkedBodiesAndWaitsForContinue) {
  open();
  server_->router().post("/echo", [](const Request& r) { return Response::text(r.body); });
  start();
  const auto c = client();
  c->send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  c->send("2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(c->reply().body, "abcde");
  c->send("POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(c->take_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  c->send("ok");
  EXPECT_EQ(c->reply().body, "ok");
}

TEST_F(HttpServerTest, RefusesWhatIsTooLargeOrNoHttp) {
  HttpServerOptions options;
  options.max_body = 1000;
  open(options);
  server_->router().post("/echo", [](const Request& r) { return Response::text(r.body); });
  start();
  EXPECT_EQ(client()->ask("POST", "/echo", "", std::string(1000, 'x')).status, 200);
  EXPECT_EQ(client()->ask("POST", "/echo", "", std::string(1001, 'x')).status, 413);
  // The answer can be read although the body was on its way.
  EXPECT_EQ(client()->ask("POST", "/echo", "", std::string(3'000'000, 'x')).status, 413);
  auto c = client();
  c->send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'x'));
  EXPECT_EQ(c->reply().status, 413);
  EXPECT_EQ(get("/echo", "X-Long: " + std::string(70'000, 'x') + "\r\n").status, 431);
  for (const char* text :
       {"nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET  /x HTTP/1.1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /a%00b HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /%ff HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET x HTTP/1.1\r\nHost: localhost\r\n\r\n"}) {
    auto bad = client();
    bad->send(text);
    EXPECT_EQ(bad->reply().status, 400) << text;
    EXPECT_TRUE(bad->ended()) << text;
  }
}

TEST_F(HttpServerTest, BodiesOfAllRequestsTogetherAreLimited) {
  HttpServerOptions options;
  options.max_body = 1'000'000;
  options.max_held = 2'500'000;
  open(options);
  std::atomic<bool> go_on = false;
  std::atomic<int> waiting = 0;
  server_->router().post("/wait", [&](const Request& r) {
    ++waiting;
    becomes_true([&] { return go_on.load(); });
    return Response::text(std::to_string(r.body.size()));
  });
  server_->router().get("/", [](const Request&) { return Response::text("quick"); });
  start();
  const auto begin = [&](std::size_t sent) {
    auto c = client();
    c->send("POST /wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n");
    c->send(std::string(sent, 'x'));
    return c;
  };
  const auto first = begin(1'000'000), second = begin(1'000'000);
  EXPECT_TRUE(becomes_true([&] { return waiting == 2; }));
  // Bodies that are being handled count as well as those that still come.
  EXPECT_EQ(begin(0)->reply().status, 503);
  auto chunked = client();
  chunked->send("POST /wait HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nc3500\r\n");
  chunked->send(std::string(800'000, 'x'));
  const Reply refused = chunked->reply();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.at("retry-after"), "5");
  EXPECT_NE(refused.body.find("\"busy\""), std::string::npos) << refused.body;
  EXPECT_TRUE(chunked->ended());
  EXPECT_EQ(get("/").body, "quick");
  go_on = true;
  EXPECT_EQ(first->reply().body, "1000000");
  EXPECT_EQ(second->reply().body, "1000000");
  // Who goes in the middle of a body leaves nothing behind.
  for (int i = 0; i < 20; ++i) begin(900'000);
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(becomes_true([&] { return begin(1'000'000)->reply().status == 200; }));
}

TEST_F(HttpServerTest, EndsConnectionsThatSayNothing) {
  HttpServerOptions options;
  options.header_timeout = milliseconds(200);
  open(options);
  start();
  const auto c = client();
  c->send("GET / HTTP/1.1\r\nHost: local");
  EXPECT_TRUE(c->ended());
}

TEST_F(HttpServerTest, LimitsConnections) {
  HttpServerOptions options;
  options.max_connections = 4;
  open(options);
  server_->router().get("/", [](const Request&) { return Response::text("x"); });
  start();
  std::vector<std::unique_ptr<RawClient>> some;
  for (int i = 0; i < 4; ++i) {
    some.push_back(client());
    EXPECT_EQ(some.back()->ask("GET", "/").status, 200);
  }
  EXPECT_EQ(client()->reply().status, 503);
  some.pop_back();
  EXPECT_TRUE(becomes_true([&] { return get("/").status == 200; }));
}

TEST_F(HttpServerTest, SendsFilesWholeInPartAndNotAtAll) {
  std::string bytes;
  for (int i = 0; i < 3'000'000; ++i) bytes += static_cast<char>(i * 7 + i / 251);
  const fs::path path = write("big.png", bytes);
  open();
  server_->router().get("/file", [path](const Request&) { return Response::file(path); });
  server_->router().get("/none", [this](const Request&) { return Response::file(folder_ / "none"); });
  server_->router().get("/folder", [this](const Request&) { return Response::file(folder_); });
  start();
  const auto c = client();
  const Reply whole = c->ask("GET", "/file");
  EXPECT_TRUE(whole.body == bytes);
  EXPECT_EQ(whole.headers.at("content-type"), "image/png");
  EXPECT_EQ(whole.headers.at("cache-control"), "no-cache");
  const std::string tag = whole.headers.at("etag"), date = whole.headers.at("last-modified");
  EXPECT_EQ(c->ask("GET", "/file", "If-None-Match: " + tag + "\r\n").status, 304);
  EXPECT_EQ(c->ask("GET", "/file", "If-Modified-Since: " + date + "\r\n").status, 304);
  const Reply part = c->ask("GET", "/file", "Range: bytes=1000000-1999999\r\n");
  EXPECT_EQ(part.status, 206);
  EXPECT_TRUE(part.body == bytes.substr(1'000'000, 1'000'000));
  EXPECT_EQ(part.headers.at("content-range"), "bytes 1000000-1999999/3000000");
  EXPECT_EQ(c->ask("GET", "/file", "Range: bytes=3000000-\r\n").status, 416);
  EXPECT_EQ(c->ask("HEAD", "/file").headers.at("content-length"), "3000000");
  EXPECT_EQ(c->ask("GET", "/none").status, 404);
  EXPECT_EQ(c->ask("GET", "/folder").status, 404);
}

TEST_F(HttpServerTest, SlowAndVanishingReadersHoldUpNobody) {
  const fs::path path = write("big.bin", std::string(20'000'000, 'x'));
  open();
  server_->router().get("/file", [path](const Request&) { return Response::file(path); });
  server_->router().get("/text", [](const Request&) { return Response::text(std::string(20'000'000, 'y')); });
  server_->router().get("/", [](const Request&) { return Response::text("quick"); });
  start();
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 30; ++i) {
    slow.push_back(client(4096));
    slow.back()->send(fmt::format("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", i % 2 ? "file" : "text"));
  }
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get("/").body, "quick");
  slow.resize(10);  // twenty hang up in the middle
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get("/").body, "quick");
  EXPECT_EQ(slow[1]->reply().body.size(), 20'000'000u);
}

TEST_F(HttpServerTest, HandlersThatWaitHoldUpNobodyAndLearnThatTheirClientIsGone) {
  HttpServerOptions options;
  options.pool_threads = 2;
  open(options);
  std::atomic<int> waiting = 0, gone = 0;
  server_->router().post("/wait", [&](const Request& r) {
    ++waiting;
    if (becomes_true([&] { return r.gone.cancelled(); })) ++gone;
    return Response::empty();
  });
  server_->router().get("/", [](const Request&) { return Response::text("quick"); });
  start();
  std::vector<std::unique_ptr<RawClient>> patient;
  for (int i = 0; i < 20; ++i) {
    patient.push_back(client());
    patient.back()->send("POST /wait HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
  }
  EXPECT_TRUE(becomes_true([&] { return waiting == 20; }));
  EXPECT_EQ(get("/").body, "quick");
  EXPECT_EQ(gone, 0);
  patient.clear();
  EXPECT_TRUE(becomes_true([&] { return gone == 20; }));
}

TEST_F(HttpServerTest, TwoHundredClientsAtOnce) {
  open();
  server_->router().get("/{n}", [](const Request& r) { return Response::text(r.parameter("n")); });
  std::atomic<int> logged = 0;
  server_->set_access_log([&](const AccessRecord& record) { logged += record.status == 200; });
  start();
  std::vector<std::unique_ptr<RawClient>> all;
  for (int i = 0; i < 200; ++i) all.push_back(client());
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 200; ++i) all[i]->send(fmt::format("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", i));
    for (int i = 0; i < 200; ++i) EXPECT_EQ(all[i]->reply().body, std::to_string(i));
  }
  EXPECT_TRUE(becomes_true([&] { return logged == 1000; }));
}

TEST_F(HttpServerTest, ExceptionsAndHeadersOfHandlersDoNoHarm) {
  open();
  server_->router().get("/throw", [](const Request&) -> Response { throw std::runtime_error("oh \"no\""); });
  server_->router().get("/split", [](const Request&) {
    Response response = Response::text("x");
    response.headers.emplace_back("X-Name", "a\r\nSet-Cookie: b=c");
    return response;
  });
  start();
  const Reply thrown = get("/throw");
  EXPECT_EQ(thrown.status, 500);
  EXPECT_EQ(thrown.body, R"({"error":{"code":"internal","message":"oh \"no\""}})");
  EXPECT_EQ(get("/split").headers.at("x-name"), "aSet-Cookie: b=c");
}

TEST_F(HttpServerTest, OtherNamesAndOtherPagesAreRefused) {
  open();
  server_->router().get("/", [](const Request&) { return Response::text("x"); });
  server_->router().post("/", [](const Request&) { return Response::text("x"); });
  start();
  auto c = client();
  c->send("GET / HTTP/1.1\r\nHost: evil.example:9090\r\n\r\n");
  const Reply name = c->reply();
  EXPECT_EQ(name.status, 403);
  EXPECT_NE(name.body.find("--allowed_hosts evil.example"), std::string::npos) << name.body;
  EXPECT_EQ(client()->ask("POST", "/", "Origin: http://localhost\r\n", "x").status, 200);
  const Reply page = client()->ask("POST", "/", "Origin: https://evil.example\r\n", "x");
  EXPECT_EQ(page.status, 403);
  EXPECT_NE(page.body.find("--cors https://evil.example"), std::string::npos) << page.body;
  EXPECT_EQ(get("/", "Origin: https://evil.example\r\n").headers.count("access-control-allow-origin"), 0u);
}

TEST_F(HttpServerTest, CallersWithoutTheirRoleNeedNotSendTheirBody) {
  open();
  server_->router().post("/", [](const Request& r) { return Response::text(r.caller.name); }, Role::admin);
  server_->set_authenticate([](const Request& r) {
    const std::string who = r.header("authorization");
    return who.empty() ? Caller{} : Caller{who, who == "root" ? Role::admin : Role::user};
  });
  start();
  auto c = client();
  c->send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n");
  const Reply refused = c->reply();
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.headers.at("www-authenticate"), "Bearer");
  EXPECT_EQ(client()->ask("POST", "/", "Authorization: ann\r\n", "x").status, 403);
  EXPECT_EQ(client()->ask("POST", "/", "Authorization: root\r\n", "x").body, "root");
}

TEST_F(HttpServerTest, StopsWhileClientsAreThere) {
  open();
  EXPECT_FALSE(server_->responds(milliseconds(10))) << "it was not started yet";
  std::atomic<bool> asked = false;
  server_->router().get("/slow", [&](const Request&) {
    asked = true;
    ::usleep(300'000);
    return Response::text("done");
  });
  server_->router().get("/events", [](const Request&) {
    return Response::events([](const auto&) { return nullptr; });
  });
  start();
  EXPECT_TRUE(server_->responds(milliseconds(5000)));
  const auto idle = client(), slow = client(), events = client();
  events->send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(events->take_until("\r\n\r\n"), "");
  slow->send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(becomes_true([&] { return asked.load(); }));
  const auto began = std::chrono::steady_clock::now();
  server_->stop(milliseconds(5000));
  EXPECT_LT(std::chrono::steady_clock::now() - began, milliseconds(4000));
  const Reply reply = slow->reply();
  EXPECT_EQ(reply.body, "done");
  EXPECT_EQ(reply.headers.at("connection"), "close");
  EXPECT_TRUE(idle->ended());
  EXPECT_TRUE(events->ended());
  server_->stop(milliseconds(1));
}

TEST_F(HttpServerTest, SaysWhyItCannotListen) {
  open();
  HttpServerOptions options;
  options.port = server_->port();
  const auto taken = HttpServer::open(options);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().message, fmt::format("port {} is in use by another program; stop that one or "
                                               "choose another with --port", options.port));
  options.port = 0;
  options.host = "no.such.host.invalid";
  EXPECT_EQ(HttpServer::open(options).error().code, ErrorCode::invalid_argument);
  options.host = "127.0.0.1";
  options.certfile = "x.pem";
  EXPECT_EQ(HttpServer::open(options).error().message, "TLS needs both --certfile and --keyfile");
}

}  // namespace
}  // namespace invokeai::server
