// HTTPS and wss with a certificate made here.

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>

#include <nlohmann/json.hpp>

#include "server/raw_client.h"

namespace invokeai::server {
namespace {

using std::chrono::milliseconds;

/// A key and a certificate for localhost that it signed itself.
void write_certificate(const fs::path& certificate, const fs::path& key_file) {
  EVP_PKEY* key = ::EVP_EC_gen("P-256");
  X509* x509 = ::X509_new();
  ::ASN1_INTEGER_set(::X509_get_serialNumber(x509), 1);
  ::X509_gmtime_adj(::X509_getm_notBefore(x509), -60);
  ::X509_gmtime_adj(::X509_getm_notAfter(x509), 3600);
  ::X509_set_pubkey(x509, key);
  X509_NAME* name = ::X509_get_subject_name(x509);
  ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  ::X509_set_issuer_name(x509, name);
  ::X509_sign(x509, key, ::EVP_sha256());
  std::FILE* file = std::fopen(certificate.c_str(), "w");
  ::PEM_write_X509(file, x509);
  std::fclose(file);
  file = std::fopen(key_file.c_str(), "w");
  ::PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  ::X509_free(x509);
  ::EVP_PKEY_free(key);
}

/// TLS over a RawClient's socket.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port) : raw_(port), context_(::SSL_CTX_new(::TLS_client_method())) {
    ssl_ = ::SSL_new(context_);
    ::SSL_set_fd(ssl_, raw_.descriptor());
    connected_ = ::SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    ::SSL_free(ssl_);
    ::SSL_CTX_free(context_);
  }
  bool connected() const { return connected_; }
  bool send(std::string_view text) {
    return ::SSL_write(ssl_, text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
  }
  /// Reads until `end` came; empty when it does not.
  std::string take_until(std::string_view end) {
    std::size_t found, from = 0;
    while ((found = buffer_.find(end, from)) == std::string::npos) {
      from = buffer_.size() < end.size() ? 0 : buffer_.size() - end.size();
      char bytes[16384];
      const int got = ::SSL_read(ssl_, bytes, sizeof bytes);
      if (got <= 0) return "";
      buffer_.append(bytes, static_cast<std::size_t>(got));
    }
    const std::size_t length = found + end.size();
    const std::string out = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return out;
  }

 private:
  RawClient raw_;
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  bool connected_ = false;
  std::string buffer_;
};

class TlsTest : public ServerTest {
 protected:
  TlsTest() : folder_(fs::temp_directory_path() / fmt::format("tls-test-{}", ::getpid())) {
    fs::create_directories(folder_);
    options_.certfile = folder_ / "certificate.pem";
    options_.keyfile = folder_ / "key.pem";
    write_certificate(options_.certfile, options_.keyfile);
  }
  ~TlsTest() override {
    server_ = nullptr;
    fs::remove_all(folder_);
  }
  fs::path folder_;
  HttpServerOptions options_;
};

TEST_F(TlsTest, AnswersOverTls) {
  open(options_);
  server_->router().get("/", [](const Request& r) { return Response::text(r.secure ? "secure." : "open."); });
  server_->router().post("/size", [](const Request& r) { return Response::text(std::to_string(r.body.size()) + "."); });
  server_->router().get("/big", [](const Request&) { return Response::text(std::string(3'000'000, 'x') + "."); });
  start();
  TlsClient c(server_->port());
  ASSERT_TRUE(c.connected());
  for (int i = 0; i < 3; ++i) {
    c.send("GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://localhost\r\n\r\n");
    EXPECT_NE(c.take_until("secure."), "");
    c.send("POST /size HTTP/1.1\r\nHost: localhost\r\nOrigin: https://localhost\r\nContent-Length: 1000000\r\n\r\n");
    c.send(std::string(1'000'000, 'y'));
    EXPECT_NE(c.take_until("1000000."), "");
    c.send("GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_GT(c.take_until("xx.").size(), 3'000'000u);
  }
}

TEST_F(TlsTest, EventsAndSocketsGoOverTls) {
  open(options_);
  server_->sockets().on("echo", [](const auto& c, const nlohmann::json& a) { c->emit("echoed", a); });
  server_->router().get("/events", [](const Request&) {
    return Response::events([](const std::shared_ptr<EventSink>& sink) {
      sink->send("hello", "x");
      return nullptr;
    });
  });
  start();
  TlsClient events(server_->port());
  events.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(events.take_until("event: hello\ndata: x\n\n"), "");
  TlsClient c(server_->port());
  c.send("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
         "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
         "Sec-WebSocket-Version: 13\r\nOrigin: https://localhost\r\n\r\n");
  EXPECT_NE(c.take_until("0{\"sid\":"), "");
  c.send(std::string("\x81\x82\0\0\0\0" "40", 8));
  EXPECT_NE(c.take_until("40{\"sid\":"), "");
  c.send(std::string("\x81\x8c\0\0\0\0" "42[\"echo\",1]", 18));
  EXPECT_NE(c.take_until("42[\"echoed\",1]"), "");
  server_->stop(milliseconds(1000));
  EXPECT_EQ(c.take_until("41"), "");
}

TEST_F(TlsTest, PlainAndHalfHandshakesHoldUpNobody) {
  options_.header_timeout = milliseconds(300);
  open(options_);
  server_->router().get("/", [](const Request&) { return Response::text("here."); });
  start();
  const auto plain = client(), silent = client();
  plain->send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  TlsClient c(server_->port());
  c.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(c.take_until("here."), "");
  EXPECT_TRUE(plain->ended());
  EXPECT_TRUE(silent->ended());
}

TEST_F(TlsTest, SaysWhatIsWrongWithACertificate) {
  HttpServerOptions options = options_;
  options.port = 0;
  options.certfile = folder_ / "none.pem";
  EXPECT_NE(HttpServer::open(options).error().message.find("none.pem: no certificate in PEM form"), std::string::npos);
  options.certfile = options_.certfile;
  options.keyfile = options_.certfile;
  EXPECT_NE(HttpServer::open(options).error().message.find("no key in PEM form"), std::string::npos);
}

}  // namespace
}  // namespace invokeai::server
