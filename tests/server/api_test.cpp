#include <algorithm>
#include <set>

#include "server/internal/base64.h"
#include "server/studio_fixture.h"

namespace invokeai::server::test {
namespace {

class Api : public WithStudio {};

/// Whether a value fits a schema of the document: as far as the document uses schemas.
std::string misfit(const Json& value, const Json& schema, const Json& document,
                   const std::string& where) {
  if (schema.contains("$ref")) {
    const std::string path = schema["$ref"];
    return misfit(value, document.at(Json::json_pointer(path.substr(1))), document, where);
  }
  if (schema.contains("oneOf")) {
    for (const Json& each : schema["oneOf"])
      if (misfit(value, each, document, where).empty()) return {};
    return where + " fits none";
  }
  if (schema.contains("enum") &&
      std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
    return where + " is " + value.dump();
  if (!schema.contains("type")) return {};
  const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
  const auto is = [&](const char* type) {
    return std::find(types.begin(), types.end(), type) != types.end();
  };
  const bool fits = (is("null") && value.is_null()) || (is("string") && value.is_string()) ||
                    (is("boolean") && value.is_boolean()) || (is("number") && value.is_number()) ||
                    (is("integer") && value.is_number_integer()) ||
                    (is("array") && value.is_array()) || (is("object") && value.is_object());
  if (!fits) return where + " is " + value.dump() + ", wanted " + types.dump();
  if (value.is_array() && schema.contains("items"))
    for (const Json& each : value)
      if (auto bad = misfit(each, schema["items"], document, where + "[]"); !bad.empty()) return bad;
  if (!value.is_object()) return {};
  for (const Json& required : schema.value("required", Json::array()))
    if (!value.contains(required.get<std::string>()))
      return where + " lacks " + required.get<std::string>();
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, each] : value.items()) {
    if (properties.contains(name)) {
      if (auto bad = misfit(each, properties[name], document, where + "." + name); !bad.empty())
        return bad;
    } else if (schema.value("additionalProperties", Json(true)) == false) {
      return where + " has " + name + " besides";
    }
  }
  return {};
}

class Documented : public Api {
 protected:
  const Json document_ = Json::parse(openapi_text());

  /// Asks and holds the answer against the document.
  Json check(int status, const std::string& method, const std::string& target,
             const std::string& pattern, const Json& body = nullptr) {
    const Json answer = json(status, method, "/api/v1" + target, body);
    std::string lower = method;
    std::ranges::transform(lower, lower.begin(), ::tolower);
    const Json& responses = document_["paths"][pattern][lower]["responses"];
    const Json& response = responses.contains(std::to_string(status))
                               ? responses[std::to_string(status)]
                               : document_["components"]["responses"]["Problem"];
    if (response.contains("content")) {
      EXPECT_EQ(misfit(answer, response["content"]["application/json"]["schema"], document_,
                       method + " " + pattern),
                "");
    }
    return answer;
  }
};

TEST_F(Documented, EveryRouteStandsInTheDocumentAndTheReverse) {
  std::set<std::string> routes, documented;
  for (const Route& route : router_.routes()) {
    if (!route.pattern.starts_with("/api/v1/")) continue;
    routes.insert(route.method + " " + route.pattern.substr(7));
  }
  for (const auto& [path, methods] : document_["paths"].items())
    for (const auto& [method, operation] : methods.items()) {
      std::string upper = method;
      std::ranges::transform(upper, upper.begin(), ::toupper);
      documented.insert(upper + " " + path);
    }
  EXPECT_EQ(routes, documented);
}

TEST_F(Documented, AnswersHaveTheDocumentsShapes) {
  ASSERT_TRUE(wait_until_ready());
  const Json app = check(200, "GET", "/app", "/app");
  EXPECT_EQ(app["engine"]["state"], "ready");
  EXPECT_EQ(app["model"]["name"], "demo");
  EXPECT_EQ(app["user"]["role"], "admin");
  check(200, "GET", "/settings/schema", "/settings/schema");
  const Json job = check(202, "POST", "/jobs", "/jobs",
                         {{"prompt", "a red star"},
                          {"negative_prompt", "blue"},
                          {"values", {{"iterations", 2}, {"seed", 42}}}});
  ended(job["id"]);
  const Json done = check(200, "GET", "/jobs/" + job["id"].get<std::string>(), "/jobs/{id}");
  EXPECT_EQ(done["state"], "completed");
  EXPECT_EQ(done["negative_prompt"], "blue");
  ASSERT_EQ(done["results"].size(), 2u);
  check(200, "GET", "/jobs", "/jobs");
  check(200, "GET", "/jobs/waiting", "/jobs/waiting");
  check(200, "GET", "/queue", "/queue");
  check(200, "PATCH", "/queue", "/queue", {{"paused", false}});
  ASSERT_TRUE(wait_until([&] {
    return json(200, "GET", "/api/v1/images/count")["count"] == 2;
  }));
  const Json page = check(200, "GET", "/images?limit=1", "/images");
  ASSERT_EQ(page["images"].size(), 1u);
  EXPECT_EQ(page["more"], true);
  const Json next = check(
      200, "GET", "/images?limit=1&older_than=" + page["oldest"].get<std::string>(), "/images");
  EXPECT_EQ(next["more"], false);
  EXPECT_NE(next["images"][0]["name"], page["images"][0]["name"]);
  const std::string name = page["images"][0]["name"];
  const Json details = check(200, "GET", "/images/" + name, "/images/{name}");
  EXPECT_EQ(details["recall"]["prompt"], "a red star [blue]");
  EXPECT_EQ(details["recall"]["values"]["steps"], 3);
  EXPECT_EQ(details["metadata"]["image"]["steps"], 3);
  const Json board = check(201, "POST", "/boards", "/boards", {{"name", "stars"}});
  const Json changed = check(200, "PATCH", "/images/" + name, "/images/{name}",
                             {{"starred", true}, {"board", board["id"]}});
  EXPECT_EQ(changed["board"], board["id"]);
  check(200, "GET", "/boards", "/boards");
  check(200, "PATCH", "/boards/" + board["id"].get<std::string>(), "/boards/{id}",
        {{"name", "red stars"}});
  EXPECT_EQ(ask("DELETE", "/api/v1/boards/" + board["id"].get<std::string>()).status, 204);
  const Json bin = check(200, "DELETE", "/images/" + name, "/images/{name}");
  check(200, "GET", "/bin", "/bin");
  check(200, "POST", "/bin/" + bin["id"].get<std::string>() + "/restore", "/bin/{id}/restore");
  check(200, "DELETE", "/bin", "/bin");
  check(200, "GET", "/models", "/models");
  check(200, "PUT", "/presets/mine", "/presets/{name}",
        {{"prompt", "x"}, {"values", {{"steps", 5}}}});
  check(200, "GET", "/presets", "/presets");
  EXPECT_EQ(ask("DELETE", "/api/v1/presets/mine").status, 204);
  check(200, "PUT", "/settings", "/settings", {{"theme", "dark"}});
  EXPECT_EQ(check(200, "GET", "/settings", "/settings")["theme"], "dark");
  const Json read = check(200, "POST", "/prompt/parse", "/prompt/parse",
                          {{"prompt", "a (red)++ star"}, {"negative_prompt", "blue"}});
  EXPECT_EQ(read["positive"]["tokens"], 3);
  EXPECT_EQ(read["negative"]["tokens"], 1);
  const Json expanded =
      check(200, "POST", "/prompt/expand", "/prompt/expand", {{"prompt", "a {red|blue} star"}});
  EXPECT_EQ(expanded["prompts"], Json({"a red star", "a blue star"}));
  check(200, "GET", "/session", "/session");
  check(200, "GET", "/users", "/users");
  const Json boxed = {{"box", {{"left", 0}, {"top", 0}, {"width", 64}, {"height", 64}}},
                      {"picture", base64_encode(png())}};
  ended(check(202, "POST", "/jobs", "/jobs", {{"prompt", "x"}, {"canvas", boxed}})["id"]);
  check(200, "DELETE", "/jobs?finished_before=9999999999999", "/jobs");
}

TEST_F(Documented, ModelsSayHowTheyWantToBeDrawn) {
  const fs::path models = folder_ / "models";
  ASSERT_TRUE(write_file_atomically(models / "demo" / "invokeai.json",
                                    R"({"cfg_scale": 2, "steps": 20, "sampler_name": "k_euler"})"));
  ASSERT_TRUE(write_file_atomically(models / "other" / "invokeai.json", R"({"steps": "many"})"));
  const Json list = check(200, "GET", "/models", "/models")["models"];
  ASSERT_EQ(list.size(), 2u);
  const Json expected = {{"cfg_scale", 2.0}, {"sampler_name", "k_euler"}};
  EXPECT_EQ(list[0]["recommended"], expected) << "this start was given --steps, which wins";
  EXPECT_FALSE(list[1].contains("recommended")) << "a file nobody understands recommends nothing";
  EXPECT_EQ(check(200, "GET", "/app", "/app")["model"]["recommended"], expected);
  ASSERT_TRUE(fs::remove(models / "demo" / "invokeai.json"));
  EXPECT_FALSE(check(200, "GET", "/models", "/models")["models"][0].contains("recommended"));
}

TEST_F(Api, MistakesAreToldInOneLine) {
  const std::tuple<const char*, const char*, const char*, int, const char*> cases[] = {
      {"POST", "/jobs", "{", 400, "the body is no JSON"},
      {"POST", "/jobs", "[]", 400, "is to be a JSON object"},
      {"POST", "/jobs", "{}", 400, "prompt: a text is wanted, got 'null'"},
      {"POST", "/jobs", R"({"promt": "x"})", 400, "nothing in the body is called 'promt'"},
      {"POST", "/jobs", R"({"prompt": "x", "values": {"steps": "many"}})", 400, "steps takes"},
      {"POST", "/jobs", R"({"prompt": "x", "values": {"outdir": "/tmp"}})", 400, "outdir is no setting"},
      {"POST", "/jobs", R"({"prompt": "x", "values": {"wildcard_path": "/"}})", 400, "wildcard_path is no"},
      {"POST", "/jobs", R"({"prompt": "x", "values": {"model": "/etc/passwd"}})", 404, "there is no model"},
      {"POST", "/jobs", R"({"prompt": "x", "values": {"init_img": "../../etc/passwd"}})", 400, "no path within"},
      {"POST", "/jobs", R"({"prompt": "x", "values": {"init_img": "/etc/passwd"}})", 400, "no path within"},
      {"POST", "/jobs", R"({"prompt": "x", "values": {"init_img": "gone.png"}})", 404, "there is no picture"},
      {"POST", "/jobs", R"({"prompt": "x", "values": {"upscale": [2]}})", 501, "upscaling"},
      {"POST", "/jobs", R"({"prompt": "x", "preview_every": 1000})", 400, "from 0 to 999"},
      {"GET", "/jobs/none", "", 404, "there is no job"},
      {"GET", "/jobs?state=odd", "", 400, "state: queued"},
      {"GET", "/jobs?limit=0", "", 400, "limit: a whole number from 1 to 1000"},
      {"PATCH", "/jobs/none", "{}", 400, "either"},
      {"DELETE", "/jobs", "", 400, "finished_before is missing"},
      {"PATCH", "/queue", "{}", 400, "is wanted"},
      {"GET", "/images?older_than=x", "", 400, "a cursor as"},
      {"GET", "/images?kind=odd", "", 400, "kind: result"},
      {"GET", "/images/..%2F..%2Fx.png", "", 400, "no path within"},
      {"GET", "/images/.gallery%2Findex.db/file", "", 400, "no path within"},
      {"GET", "/images/none.png", "", 404, "there is no picture"},
      {"POST", "/boards", R"({"name": ""})", 400, "name"},
      {"PATCH", "/boards/none", R"({"name": "x"})", 404, "board"},
      {"PUT", "/models/active", R"({"name": "none"})", 404, "there is no model"},
      {"POST", "/prompt/parse", R"({"prompt": "x", "prompt_dialect": "odd"})", 400, "odd"},
      {"POST", "/prompt/expand", R"({"prompt": "x", "count": 0})", 400, "count: a whole number"},
      {"POST", "/images/import", R"({"folder": "relative"})", 400, "the whole path"},
      {"PUT", "/settings", "3", 400, "JSON object"},
      {"DELETE", "/presets/none", "", 404, "there is no preset"},
      {"POST", "/bin/none/restore", "", 404, ""}};
  for (const auto& [method, target, body, status, wanted] : cases) {
    const Response response = ask(method, std::string("/api/v1") + target, body);
    const std::string text = text_of(response);
    EXPECT_EQ(response.status, status) << method << ' ' << target << ' ' << body << ": " << text;
    const Json json = Json::parse(text, nullptr, false);
    ASSERT_TRUE(json.contains("error")) << target << text;
    const std::string message = json["error"]["message"];
    EXPECT_NE(message.find(wanted), message.npos) << method << ' ' << target << ": " << message;
    EXPECT_EQ(message.find('\n'), message.npos);
  }
}

TEST_F(Api, PreviewsOfFullSizeAreAskedFor) {
  ASSERT_TRUE(wait_until_ready());
  const auto all = listen("/api/v1/events");
  for (const auto& [asked, shown] : {std::pair(false, 8), std::pair(true, 64)}) {
    post_job({{"prompt", "x"}, {"preview_every", 1}, {"full_previews", asked}});
    ASSERT_TRUE(all->wait_for([&, shown = shown](const HeardEvents::Heard& heard) {
      if (heard.event != "preview") return false;
      const std::string image = heard.json()["image"];
      const auto png = base64_decode(image.substr(image.find(',') + 1));
      return png && image::decode_png(*png)->width == shown;
    })) << shown;
  }
  EXPECT_EQ(ask("POST", "/api/v1/jobs", R"({"prompt": "x", "full_previews": 1})").status, 400);
}

TEST_F(Api, EventsTellAJobFromItsPostToItsEnd) {
  ASSERT_TRUE(wait_until_ready());
  const auto all = listen("/api/v1/events");
  ASSERT_EQ(all->heard().at(0).event, "hello");
  const std::string id = post_job({{"prompt", "x"},
                                   {"values", {{"iterations", 2}, {"steps", 4}}},
                                   {"preview_every", 2}})["id"];
  const auto one = listen("/api/v1/jobs/" + id + "/events");
  ASSERT_TRUE(one->wait_until_closed());
  EXPECT_EQ(one->heard().back().json()["state"], "completed");
  const auto is_end = [&](const HeardEvents::Heard& heard) {
    return heard.event == "job" && heard.json()["state"] == "completed";
  };
  ASSERT_TRUE(all->wait_for(is_end));
  std::vector<std::pair<int, int>> steps;
  int pictures = 0, previews = 0;
  bool ended = false;
  for (const auto& heard : all->heard()) {
    const Json data = heard.json();
    if (heard.event == "progress") steps.emplace_back(data["picture"], data["step"]);
    if (heard.event == "preview") {
      ++previews;
      EXPECT_EQ(data["width"], 64);
    }
    if (heard.event == "picture") {
      EXPECT_FALSE(ended) << "a picture after its job's end";
      EXPECT_EQ(data["result"]["index"], pictures++);
      EXPECT_EQ(ask("GET", data["result"]["url"]).status, 200);
      EXPECT_EQ(ask("GET", data["result"]["thumbnail_url"]).status, 200);
    }
    ended = ended || is_end(heard);
  }
  EXPECT_EQ(pictures, 2);
  EXPECT_EQ(previews, 4);
  const std::vector<std::pair<int, int>> expected = {{0, 1}, {0, 2}, {0, 3}, {0, 4},
                                                     {1, 1}, {1, 2}, {1, 3}, {1, 4}};
  EXPECT_EQ(steps, expected);
}

TEST_F(Api, ALostConnectionMissesNothing) {
  ASSERT_TRUE(wait_until_ready());
  const auto first = listen("/api/v1/events");
  const std::string last_id = first->heard().at(0).id;
  const std::string id = post_job({{"prompt", "x"}})["id"];
  ended(id);
  const auto second = listen("/api/v1/events", {{"last-event-id", last_id}});
  const auto heard = second->heard();
  ASSERT_GE(heard.size(), 2u);
  EXPECT_EQ(heard[0].event, "hello");
  EXPECT_EQ(heard[1].event, "job");
  EXPECT_EQ(heard[1].json()["id"], id);
  EXPECT_EQ(heard[1].json()["state"], "completed");
  const auto third = listen("/api/v1/events", {{"last-event-id", heard[0].id}});
  for (const auto& each : third->heard()) EXPECT_NE(each.event, "job") << each.data;
}

TEST_F(Api, WhatTheBeginningOfAStreamToldIsNotToldAgain) {
  const auto all = listen("/api/v1/events");
  const std::int64_t revision = all->heard().at(0).json()["revision"];
  // The thread that tells of changes may be behind what was read from the queue.
  studio_->publish({"job", "x", revision, {{"id", "x"}, {"state", "running"}}});
  studio_->publish({"job", "x", revision + 1000, {{"id", "x"}, {"state", "completed"}}});
  ASSERT_TRUE(all->wait_for([](const auto& heard) { return heard.event == "job"; }));
  for (const auto& heard : all->heard())
    if (heard.event == "job") {
      EXPECT_EQ(heard.json()["state"], "completed");
    }
}

TEST_F(Api, GenerateWaitsForItsPicture) {
  const Response picture =
      ask("POST", "/api/v1/generate", R"({"prompt": "a red star"})", {{"accept", "image/png"}});
  EXPECT_EQ(picture.status, 200);
  EXPECT_TRUE(image::decode_png(text_of(picture)));
  const Response job = ask("POST", "/api/v1/generate", R"({"prompt": "a red star"})",
                           {{"accept", "application/json"}});
  EXPECT_EQ(Json::parse(text_of(job))["state"], "completed");
}

TEST_F(Api, DynamicPromptsAreSettledByTheSeed) {
  const Json body = {{"prompt", "a {red|green|blue|white} star"},
                     {"values", {{"iterations", 4}, {"seed", 7}}}};
  std::vector<std::vector<std::string>> commands;
  for (int run = 0; run < 2; ++run) {
    const Json job = ended(post_job(body)["id"]);
    ASSERT_EQ(job["results"].size(), 4u) << job.dump();
    auto& own = commands.emplace_back();
    for (int i = 0; i < 4; ++i) {
      EXPECT_EQ(job["results"][i]["index"], i);
      own.push_back(job["results"][i]["command"]);
      EXPECT_EQ(own.back().find('{'), std::string::npos) << own.back();
    }
  }
  EXPECT_EQ(commands[0], commands[1]);
}

TEST_F(Api, JobsAreCancelledRetriedAndMoved) {
  json(200, "PATCH", "/api/v1/queue", {{"paused", true}});
  const std::string first = post_job({{"prompt", "first"}})["id"];
  const std::string second = post_job({{"prompt", "second"}})["id"];
  EXPECT_EQ(json(200, "GET", "/api/v1/jobs/" + second)["position"], 1);
  json(200, "PATCH", "/api/v1/jobs/" + second, {{"place", "before"}, {"other", first}});
  EXPECT_EQ(json(200, "GET", "/api/v1/jobs/" + second)["position"], 0);
  json(200, "PATCH", "/api/v1/jobs/" + first, {{"priority", 5}});
  EXPECT_EQ(json(200, "GET", "/api/v1/jobs/waiting")["jobs"][0]["id"], first);
  EXPECT_EQ(json(200, "POST", "/api/v1/jobs/" + first + "/cancel")["state"], "cancelled");
  EXPECT_EQ(json(200, "POST", "/api/v1/jobs/" + first + "/retry")["state"], "queued");
  json(200, "PATCH", "/api/v1/queue", {{"paused", false}});
  EXPECT_EQ(ended(first)["state"], "completed");
  EXPECT_EQ(ended(second)["state"], "completed");
}

TEST_F(Api, ModelsAreChangedWhileTheServerRuns) {
  ASSERT_TRUE(wait_until_ready());
  const Json models = json(200, "GET", "/api/v1/models")["models"];
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0]["name"], "demo");
  EXPECT_EQ(models[0]["state"], "active");
  EXPECT_EQ(models[1]["state"], "not_loaded");
  json(202, "PUT", "/api/v1/models/active", {{"name", "other"}});
  ASSERT_TRUE(wait_until(
      [&] { return json(200, "GET", "/api/v1/models")["models"][1]["state"] == "active"; }));
  const Json job = ended(post_job({{"prompt", "x"}})["id"]);
  EXPECT_EQ(job["values"]["model"], "other");
  ASSERT_EQ(job["state"], "completed");
  const Json details =
      json(200, "GET", "/api/v1/images/" + job["results"][0]["name"].get<std::string>());
  EXPECT_EQ(details["model"], "other");
}

TEST_F(Api, WhoAsksWhileTheServerStopsIsAnswered) {
  studio_->stop(0ms);
  json(202, "PUT", "/api/v1/models/active", {{"name", "other"}});
  json(200, "GET", "/api/v1/models");
  EXPECT_EQ(post_job({{"prompt", "x"}})["state"], "queued") << "it is drawn after the next start";
  studio_->stop(0ms);
}

TEST_F(Api, UploadsBecomePicturesToStartFrom) {
  const std::string form = "--x\r\nContent-Disposition: form-data; name=\"file\"; "
                           "filename=\"my cat \xe7\x8c\xab.PNG\"\r\n\r\n" +
                           png() + "\r\n--x--\r\n";
  const Response response = ask("POST", "/api/v1/images", form,
                                {{"content-type", "multipart/form-data; boundary=x"}});
  ASSERT_EQ(response.status, 201) << text_of(response);
  const Json picture = Json::parse(text_of(response));
  const std::string name = picture["name"];
  EXPECT_TRUE(name.starts_with("init-images/my_cat_.")) << name;
  EXPECT_EQ(picture["kind"], "upload");
  const Json job =
      ended(post_job({{"prompt", "x"}, {"values", {{"init_img", name}, {"strength", 0.5}}}})["id"]);
  EXPECT_EQ(job["state"], "completed") << job.dump();
  EXPECT_EQ(job["values"]["init_img"], name);
}

TEST_F(Api, LargePicturesAreDecodedAFewAtATime) {
  router_ = {};
  studio_.reset();
  pixel_bytes_ = 100'000;
  pixel_patience_ = 50ms;
  open();
  const std::string form = "--x\r\nContent-Disposition: form-data; name=\"file\"; "
                           "filename=\"a.png\"\r\n\r\n" + png(128, 128) + "\r\n--x--\r\n";
  const auto upload = [&] {
    return ask("POST", "/api/v1/images", form, {{"content-type", "multipart/form-data; boundary=x"}});
  };
  auto room = studio_->room_for({png(1000, 1000)});
  ASSERT_TRUE(room) << room.error().message;
  const Response refused = upload();
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(text_of(refused).find("out_of_memory"), std::string::npos) << text_of(refused);
  *room = nullptr;
  EXPECT_EQ(upload().status, 201);
}

TEST_F(Api, AdminRoutesAreForAdmins) {
  for (const auto& [method, target] :
       {std::pair("DELETE", "/api/v1/bin"), std::pair("POST", "/api/v1/images/import"),
        std::pair("GET", "/api/v1/users")})
    EXPECT_EQ(ask(method, target, "", {}, Role::user).status, 403) << target;
  EXPECT_EQ(ask("GET", "/api/v1/images", "", {}, Role::none).status, 401);
}

TEST_F(Api, OperationsTellHowItGoes) {
  EXPECT_EQ(ask("GET", "/healthz", "", {}, Role::none).status, 200);
  ASSERT_TRUE(wait_until([&] { return ask("GET", "/readyz").status == 200; }));
  ended(post_job({{"prompt", "x"}})["id"]);
  ASSERT_TRUE(wait_until([&] {
    const std::string text = text_of(ask("GET", "/metrics"));
    return text.find("invokeai_pictures_total 1\n") != text.npos &&
           text.find("invokeai_jobs_total{state=\"completed\"} 1\n") != text.npos;
  }));
}

}  // namespace
}  // namespace invokeai::server::test
