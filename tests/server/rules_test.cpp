// Hosts, origins, conditional requests and forms against text tables; addresses and routes.

#include <map>

#include <nlohmann/json.hpp>

#include "server/file_answer.h"
#include "server/multipart.h"
#include "server/origin.h"
#include "server/router.h"
#include "server/table.h"
#include "server/url.h"

namespace invokeai::server {
namespace {

const char* word(bool yes) { return yes ? "yes" : "no"; }

TEST(Rules, Hosts) {
  for (const TableCase& c : read_table("hosts.txt")) {
    const auto parts = split(c.input, "|");
    const OriginRules rules{parts.at(0), {}, {"gallery.example:9090"}};
    EXPECT_EQ(word(!refuse_host(rules, parts.at(1))), c.expected) << c.line;
  }
  EXPECT_EQ(refuse_host({}, "Box.local:9090"),
            "this server does not answer to the name box.local; to allow it, start with "
            "--allowed_hosts box.local");
}

TEST(Rules, Origins) {
  for (const TableCase& c : read_table("origins.txt")) {
    const auto parts = split(c.input, "|");
    OriginRules rules;
    if (!parts.at(0).empty()) rules.cors = {parts[0]};
    const OriginHeaders headers{parts.at(1), parts.at(2), parts.at(3), parts.at(4), false};
    EXPECT_EQ(fmt::format("{} {}", word(!refuse_origin(rules, headers)),
                          word(!refuse_socket_origin(rules, headers))),
              c.expected)
        << c.line;
  }
  const OriginHeaders secure{"localhost", "https://localhost", "", "", true};
  EXPECT_FALSE(refuse_origin({}, secure));
}

TEST(Rules, FilesInPartAndOnCondition) {
  const FileFacts facts{1000, 784'111'777'500'000'000};
  for (const TableCase& c : read_table("ranges.txt")) {
    std::map<std::string, std::string> headers;
    for (const std::string& each : split(c.input, ";"))
      if (const std::size_t colon = each.find(": "); colon != std::string::npos) {
        std::string value = each.substr(colon + 2);
        for (std::size_t at; (at = value.find("\"T\"")) != std::string::npos;)
          value.replace(at, 3, etag_of(facts));
        headers[each.substr(0, colon)] = value;
      }
    const FileAnswer answer = plan_file(facts, {headers["If-None-Match"], headers["If-Modified-Since"],
                                                headers["Range"], headers["If-Range"]});
    EXPECT_EQ(fmt::format("{} {} {}{}{}", answer.status, answer.begin, answer.length,
                          answer.content_range.empty() ? "" : " ", answer.content_range),
              c.expected)
        << c.line;
  }
}

TEST(Rules, DatesAndTypes) {
  EXPECT_EQ(http_date(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784'111'777);
  EXPECT_FALSE(parse_http_date("Sun, 06 Foo 1994 08:49:37 GMT"));
  EXPECT_FALSE(parse_http_date("Sun, 0x Nov 1994 08:49:37 GMT"));
  EXPECT_EQ(content_type_of("a/b.JS"), "text/javascript; charset=utf-8");
  EXPECT_EQ(content_type_of("b.webp"), "image/webp");
  EXPECT_EQ(content_type_of("b"), "application/octet-stream");
}

TEST(Rules, Forms) {
  for (const TableCase& c : read_table("forms.txt")) {
    const std::size_t bars = c.input.find(" || ");
    const std::string body = bars == std::string::npos ? "" : c.input.substr(bars + 4);
    const std::string type = bars == std::string::npos ? split(c.input, "||")[0] : c.input.substr(0, bars);
    const auto parts = parse_multipart(type, body);
    if (c.expected.starts_with("! ")) {
      expect_error(parts, c);
      continue;
    }
    ASSERT_TRUE(parts) << c.line << '\n' << parts.error().message;
    std::string got;
    for (const FormPart& part : *parts)
      got += fmt::format("{}{}|{}|{}|{}", got.empty() ? "" : " ", part.name, part.filename.value_or("-"),
                         part.content_type, part.body);
    EXPECT_EQ(got, c.expected) << c.line;
  }
}

TEST(Rules, FormsAreBounded) {
  const auto form = [](int parts, std::size_t head) {
    std::string body;
    for (int i = 0; i < parts; ++i)
      body += "--B\r\nX: " + std::string(head, 'x') +
              "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nbody\r\n";
    return parse_multipart("multipart/form-data; boundary=B", body + "--B--");
  };
  EXPECT_TRUE(form(64, 10));
  EXPECT_FALSE(form(65, 10));
  EXPECT_TRUE(form(2, 15'000));
  EXPECT_FALSE(form(2, 17'000));
  EXPECT_FALSE(parse_multipart("multipart/form-data; boundary=" + std::string(201, 'B'), ""));
}

TEST(Rules, Addresses) {
  const auto target = parse_target("//a%2Fb/c?x=1&x=2&y=%C3%BC+z&flag&=&&#part");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->raw_path, "/a%2Fb/c");
  EXPECT_EQ(target->path, "/a/b/c");
  EXPECT_EQ(target->query, (std::map<std::string, std::string>{{"x", "2"}, {"y", "ü z"}, {"flag", ""}, {"", ""}}));
  EXPECT_EQ(parse_target("https://host:1/a?b")->path, "/a");
  EXPECT_EQ(parse_target("http://host")->path, "/");
  EXPECT_EQ(encode_percent("a b/ü"), "a%20b%2F%C3%BC");
  EXPECT_EQ(decode_percent(encode_percent("a b/ü%")).value(), "a b/ü%");
  for (const char* bad : {"a", "", "*", "/%", "/%1", "/%g1", "/%00", "/%ff", "/?%c3", "http:"})
    EXPECT_FALSE(parse_target(bad)) << bad;
}

TEST(Rules, Routes) {
  Router router;
  const auto says = [](const char* text) {
    return [text](const Request& r) {
      std::string out = text;
      for (const auto& [name, value] : r.parameters) out += fmt::format(" {}={}", name, value);
      return Response::text(out);
    };
  };
  router.get("/images/{name}", says("one"));
  router.get("/images/count", says("count"));
  router.remove("/images/{name}", says("delete"));
  router.get("/images/{name}/file", says("file"));
  router.get("/files/{rest...}", says("rest"), Role::none);
  router.get("/", says("root"), Role::none);
  router.post("/admin", says("admin"), Role::admin);
  const auto ask = [&](const char* method, const char* path, Role role = Role::user) {
    Request request;
    request.method = method;
    request.path = path;
    request.caller.role = role;
    const Response response = router.answer(request, path);
    return fmt::format("{} {}", response.status, std::get<std::string>(response.body));
  };
  EXPECT_EQ(ask("GET", "/images/count"), "200 count");
  EXPECT_EQ(ask("DELETE", "/images/count"), "200 delete name=count");
  EXPECT_EQ(ask("GET", "/images/a%2Fb.png"), "200 one name=a/b.png");
  EXPECT_EQ(ask("GET", "/images/a%2Fb.png/file"), "200 file name=a/b.png");
  EXPECT_EQ(ask("GET", "/files/a/b%20c/d"), "200 rest rest=a/b c/d");
  EXPECT_EQ(ask("GET", "/files/"), "200 rest rest=");
  EXPECT_EQ(ask("GET", "/"), "200 root");
  EXPECT_EQ(ask("HEAD", "/"), "200 root");
  EXPECT_EQ(ask("GET", "/files").substr(0, 3), "404");
  EXPECT_EQ(ask("GET", "/images").substr(0, 3), "404");
  EXPECT_EQ(ask("GET", "/images/").substr(0, 3), "404");
  EXPECT_EQ(ask("GET", "/images/%zz").substr(0, 3), "400");
  EXPECT_EQ(ask("PUT", "/images/x").substr(0, 3), "405");
  EXPECT_EQ(ask("GET", "/images/x", Role::none).substr(0, 3), "401");
  EXPECT_EQ(ask("GET", "/files/x", Role::none).substr(0, 3), "200");
  EXPECT_EQ(ask("POST", "/admin").substr(0, 3), "403");
  EXPECT_EQ(ask("POST", "/admin", Role::admin), "200 admin");
  Request request;
  request.method = "OPTIONS";
  request.path = "/images/x";
  EXPECT_EQ(router.answer(request, "/images/x").headers.front().second, "DELETE, GET, HEAD, OPTIONS");
}

}  // namespace
}  // namespace invokeai::server
