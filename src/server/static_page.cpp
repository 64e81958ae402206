#include "server/static_page.h"

#include "server/access_routes.h"
#include "server/static_files.h"

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

}  // namespace

void add_page_routes(Router& router, Access& access, const fs::path& folder, bool develop) {
  router.get("/",
             with_sign_in_by_link(access,
                                  [folder, develop](const Request&) {
                                    if (develop)
                                      return Response{302,
                                                      {{"Location", kDevelopmentServer}},
                                                      std::string()};
                                    if (!folder.empty()) return static_file(folder, "/");
                                    return Response{200,
                                                    {{"Content-Type", "text/html; charset=utf-8"}},
                                                    std::string(kNoPage)};
                                  }),
             Role::none);
  if (!folder.empty()) router.get("/{path...}", static_files(folder), Role::none);
}

}  // namespace invokeai::server
