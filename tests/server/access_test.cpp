// Tokens, users, sessions and the page's files.

#include <sys/stat.h>

#include <fstream>

#include <nlohmann/json.hpp>

#include "server/access.h"
#include "server/access_routes.h"
#include "server/raw_client.h"
#include "server/static_files.h"

namespace invokeai::server {
namespace {

using nlohmann::json;

class AccessTest : public ServerTest {
 protected:
  AccessTest() {
    folder_ = fs::temp_directory_path() / fmt::format("access-test-{}", ::getpid());
    fs::create_directories(folder_);
    options_.file = folder_ / "access.json";
  }
  ~AccessTest() override {
    server_ = nullptr;
    fs::remove_all(folder_);
  }
  void open_access() {
    server_ = nullptr;
    auto opened = Access::open(options_);
    ASSERT_TRUE(opened) << opened.error().text();
    access_ = *std::move(opened);
  }
  void serve() {
    open();
    server_->set_authenticate([this](const Request& r) { return access_->authenticate(r); });
    add_access_routes(server_->router(), *access_);
    server_->router().get("/", with_sign_in_by_link(*access_, [](const Request&) { return Response::text("page"); }),
                          Role::none);
    start();
  }
  Reply log_in(const std::string& body) { return client()->ask("POST", "/api/v1/session", "", body); }
  std::string who(const std::string& headers) {
    const json me = json::parse(get("/api/v1/session", headers).body);
    return me["name"].get<std::string>() + '/' + me["role"].get<std::string>();
  }

  fs::path folder_;
  AccessOptions options_;
  std::unique_ptr<Access> access_;
};

TEST_F(AccessTest, PasswordsAreHashedSlowlyAndWithSalt) {
  const std::string hash = hash_password("correct horse");
  EXPECT_TRUE(hash.starts_with("scrypt$15$8$1$")) << hash;
  EXPECT_NE(hash, hash_password("correct horse"));
  EXPECT_TRUE(is_password("correct horse", hash));
  EXPECT_FALSE(is_password("correct hors", hash));
  EXPECT_FALSE(is_password("", hash));
  for (const char* bad : {"", "scrypt", "scrypt$15$8$1$salt$", "md5$15$8$1$a$b", "scrypt$99$8$1$a$b", "scrypt$15$8$1$$"})
    EXPECT_FALSE(is_password("correct horse", bad)) << bad;
  // Test vector of RFC 7914, section 12 (N = 1024, r = 8, p = 16), the first 32 bytes.
  EXPECT_TRUE(is_password("password", "scrypt$10$8$16$NaCl$"
                          "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"));
}

TEST_F(AccessTest, WrongPasswordsAreCounted) {
  using std::chrono::seconds;
  LoginLimiter limiter(3);
  const LoginLimiter::Clock::time_point start{};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(limiter.wait("a", start), 0);
    limiter.failed("a", start);
  }
  EXPECT_EQ(limiter.wait("a", start + seconds(10)), 50);
  EXPECT_EQ(limiter.wait("b", start + seconds(10)), 0);
  EXPECT_EQ(limiter.wait("a", start + seconds(60)), 0);
  limiter.failed("b", start + seconds(61));
  EXPECT_EQ(limiter.wait("a", start + seconds(61)), 0);
}

TEST_F(AccessTest, ElsewhereThanOnThisMachineSomebodyHasToBeAskedFor) {
  options_.bound = "0.0.0.0";
  const auto refused = Access::open(options_);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("--token"), std::string::npos);
  EXPECT_NE(refused.error().message.find("--no_auth"), std::string::npos);
  options_.token = "t";
  EXPECT_TRUE(Access::open(options_).value()->required());
  options_.token = "";
  options_.open_to_all = true;
  EXPECT_FALSE(Access::open(options_).value()->required());
}

TEST_F(AccessTest, WithoutUsersEverybodyHereIsAnAdmin) {
  open_access();
  serve();
  EXPECT_EQ(who(""), "/admin");
  EXPECT_EQ(client()->ask("PUT", "/api/v1/users/ann", "", R"({"password":"long enough","role":"user"})").status, 400);
  EXPECT_EQ(client()->ask("PUT", "/api/v1/users/ann", "", R"({"password":"short","role":"admin"})").status, 400);
  EXPECT_EQ(client()->ask("PUT", "/api/v1/users/a%20b", "", R"({"password":"long enough","role":"admin"})").status, 400);
  EXPECT_EQ(client()->ask("PUT", "/api/v1/users/ann", "", R"({"password":"long enough","role":"admin"})").status, 200);
  EXPECT_EQ(who(""), "/none");
  EXPECT_EQ(get("/api/v1/users").status, 401);
}

TEST_F(AccessTest, UsersLogInAndOut) {
  open_access();
  ASSERT_TRUE(access_->put_user({"ann", Role::admin}, "ann's password"));
  ASSERT_TRUE(access_->put_user({"bob", Role::user}, "bob's password"));
  serve();
  EXPECT_EQ(log_in(R"({"user":"ann","password":"wrong"})").status, 401);
  EXPECT_EQ(log_in(R"({"user":"eve","password":"wrong"})").status, 401);
  EXPECT_EQ(log_in(R"({"user":"ann"})").status, 400);
  EXPECT_EQ(log_in("nonsense").status, 400);
  const Reply in = log_in(R"({"user":"ann","password":"ann's password"})");
  EXPECT_EQ(in.status, 200);
  const std::string set = in.headers.at("set-cookie");
  EXPECT_NE(set.find("; HttpOnly; SameSite=Strict"), std::string::npos) << set;
  const std::string ann = "Cookie: other=x; " + set.substr(0, set.find(';')) + "\r\n";
  EXPECT_EQ(who(ann), "ann/admin");
  const Reply bob_in = log_in(R"({"user":"bob","password":"bob's password"})");
  const std::string bob_set = bob_in.headers.at("set-cookie");
  const std::string bob = "Cookie: " + bob_set.substr(0, bob_set.find(';')) + "\r\n";
  EXPECT_EQ(get("/api/v1/users", bob).status, 403);
  EXPECT_EQ(get("/api/v1/users", ann).body,
            R"({"more":false,"users":[{"name":"ann","role":"admin"},{"name":"bob","role":"user"}]})");
  // Sessions survive a restart.
  open_access();
  serve();
  EXPECT_EQ(who(ann), "ann/admin");
  EXPECT_EQ(client()->ask("DELETE", "/api/v1/users/ann", ann).status, 400);  // the last admin
  EXPECT_EQ(client()->ask("PUT", "/api/v1/users/bob", ann, R"({"password":"new password"})").status, 200);
  EXPECT_EQ(who(bob), "/none");
  EXPECT_EQ(client()->ask("DELETE", "/api/v1/session", ann).status, 204);
  EXPECT_EQ(who(ann), "/none");
  struct stat info{};
  ASSERT_EQ(::stat(options_.file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  std::ifstream file(options_.file);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text.find("password\""), std::string::npos);
  EXPECT_EQ(text.find(set.substr(17, 20)), std::string::npos);  // no session's secret either
}

TEST_F(AccessTest, TooManyWrongPasswordsHaveToWait) {
  open_access();
  ASSERT_TRUE(access_->put_user({"ann", Role::admin}, "ann's password"));
  serve();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(log_in(R"({"user":"ann","password":"wrong"})").status, 401);
  const Reply busy = log_in(R"({"user":"ann","password":"ann's password"})");
  EXPECT_EQ(busy.status, 429);
  EXPECT_GT(std::stoi(busy.headers.at("retry-after")), 30);
}

TEST_F(AccessTest, TheTokenOpensEverything) {
  options_.token = "secret token";
  open_access();
  serve();
  EXPECT_EQ(who(""), "/none");
  EXPECT_EQ(who("Authorization: Bearer secret token\r\n"), "/admin");
  EXPECT_EQ(who("Authorization: Bearer secret\r\n"), "/none");
  EXPECT_EQ(get("/api/v1/users?token=secret%20token").status, 200);
  EXPECT_EQ(get("/api/v1/users?token=x").status, 401);
  EXPECT_EQ(get("/?token=wrong").body, "page");
  const Reply link = get("/?token=secret+token&lang=de");
  EXPECT_EQ(link.status, 303);
  EXPECT_EQ(link.headers.at("location"), "./?lang=de");
  const std::string set = link.headers.at("set-cookie");
  const std::string cookie = "Cookie: " + set.substr(0, set.find(';')) + "\r\n";
  EXPECT_EQ(who(cookie), "/admin");
  options_.token = "another";
  open_access();
  serve();
  EXPECT_EQ(who(cookie), "/none");
  EXPECT_EQ(log_in(R"({"token":"another"})").status, 200);
}

TEST_F(AccessTest, FilesThatAreNoListOfUsersAreNotOverwritten) {
  std::ofstream(options_.file) << "{\"users\": 3}";
  EXPECT_EQ(Access::open(options_).error().code, ErrorCode::bad_file);
}

TEST_F(AccessTest, ThePageIsServedAndNothingElse) {
  const fs::path page = folder_ / "page";
  fs::create_directories(page / "assets");
  std::ofstream(page / "index.html") << "<html>";
  std::ofstream(page / "assets/a-1.js") << "js";
  std::ofstream(page / ".hidden") << "no";
  std::ofstream(folder_ / "secret.txt") << "no";
  fs::create_symlink(folder_ / "secret.txt", page / "link.txt");
  open();
  server_->router().get("/{rest...}", static_files(page), Role::none);
  start();
  const Reply index = get("/");
  EXPECT_EQ(index.body, "<html>");
  EXPECT_EQ(index.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(index.headers.at("cache-control"), "no-cache");
  const Reply asset = get("/assets/a-1.js");
  EXPECT_EQ(asset.headers.at("content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(asset.headers.at("cache-control"), "public, max-age=31536000, immutable");
  for (const char* path : {"/assets", "/assets/", "/none", "/.hidden", "/../secret.txt", "/%2e%2e/secret.txt",
                           "/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/link.txt", "/assets//a-1.js",
                           "/%2fetc%2fpasswd", "/..%5csecret.txt", "/./index.html"})
    EXPECT_EQ(get(path).status, 404) << path;
}

}  // namespace
}  // namespace invokeai::server
