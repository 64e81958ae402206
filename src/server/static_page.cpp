#include "server/static_page.h"

#include <algorithm>
#include <array>

namespace invokeai::server {
namespace {

constexpr const char* kDevelopmentServer = "http://127.0.0.1:5173";

constexpr const char* kNoPage = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>InvokeAI</title>
<style>body{font:16px/1.5 sans-serif;max-width:42em;margin:3em auto;padding:0 1em;background:#1a1a1f;color:#ddd}
a{color:#9ad}code{background:#333;padding:.1em .3em}</style>
<h1>InvokeAI is running</h1>
<p>Its web page has not been built here. In the sources: <code>cd web && npm ci && npm run build</code>,
then reload this page.</p>
<p>Everything else works: the API is described at <a href="api/v1/openapi.json">api/v1/openapi.json</a>,
and one command draws a picture:</p>
<pre><code>curl -H 'Content-Type: application/json' -d '{"prompt": "a red star"}' \
  http://127.0.0.1:9090/api/v1/generate > star.png</code></pre>
)";

struct Kind {
  std::string_view ending, type;
};
/// Browsers refuse modules and styles of another type.
constexpr std::array kKinds = {
    Kind{".html", "text/html; charset=utf-8"},  Kind{".js", "application/javascript"},
    Kind{".mjs", "application/javascript"},     Kind{".css", "text/css; charset=utf-8"},
    Kind{".json", "application/json"},          Kind{".webmanifest", "application/manifest+json"},
    Kind{".svg", "image/svg+xml"},              Kind{".png", "image/png"},
    Kind{".ico", "image/x-icon"},               Kind{".webp", "image/webp"},
    Kind{".jpg", "image/jpeg"},                 Kind{".ttf", "font/ttf"},
    Kind{".woff2", "font/woff2"},               Kind{".txt", "text/plain; charset=utf-8"},
    Kind{".map", "application/json"},           Kind{".wasm", "application/wasm"}};

/// Whether a path of the request stays within the folder, and out of what is hidden.
bool is_inside(const std::string& name) {
  const fs::path path(name);
  return !name.empty() && path.is_relative() && name.find('\\') == name.npos &&
         name.find('\0') == name.npos && std::ranges::none_of(path, [](const fs::path& part) {
           return part.empty() || part.string().starts_with('.');
         });
}

Response page_file(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  if (!is_inside(name) || !fs::is_regular_file(folder / name, ignored))
    return Response::refused(404, "not_found", "there is nothing at this address");
  Response response = Response::file(folder / name);
  const std::string ending = fs::path(name).extension().string();
  const auto kind = std::ranges::find(kKinds, ending, &Kind::ending);
  if (kind != kKinds.end()) response.headers.emplace_back("Content-Type", kind->type);
  // Files of the build carry their content's hash in their names.
  const bool forever = name.starts_with("assets/");
  response.headers.emplace_back(
      "Cache-Control", forever ? "public, max-age=31536000, immutable" : "no-cache");
  return response;
}

}  // namespace

void add_page_routes(Router& router, const fs::path& folder, bool develop) {
  router.get(
      "/",
      [folder, develop](const Request&) {
        if (develop) return Response{302, {{"Location", kDevelopmentServer}}, std::string()};
        if (!folder.empty()) return page_file(folder, "index.html");
        return Response{
            200, {{"Content-Type", "text/html; charset=utf-8"}}, std::string(kNoPage)};
      },
      Role::none);
  router.get(
      "/{path...}",
      [folder](const Request& request) { return page_file(folder, request.parameter("path")); },
      Role::none);
}

}  // namespace invokeai::server
