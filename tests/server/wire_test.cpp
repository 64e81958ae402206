// Replays docs/wire.md: every message that the original front end sends, and what it hears of it.

#include <algorithm>
#include <cstring>
#include <set>

#include "server/internal/base64.h"
#include "server/legacy.h"
#include "server/studio_fixture.h"

namespace invokeai::server::test {
namespace {

/// All clients in one: what any of them hears.
class Heard {
 public:
  void add(std::string_view event, const Json& arguments) {
    Json message = Json::array({event});
    for (const Json& argument : arguments) message.push_back(argument);
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
    changed_.notify_all();
  }
  /// The next message; null when none came in time.
  Json next(std::chrono::milliseconds patience = 30s) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [&] { return taken_ < messages_.size(); }))
      return nullptr;
    return messages_[taken_++];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Json> messages_;
  std::size_t taken_ = 0;
};

class TestClient final : public SocketClient {
 public:
  TestClient(Heard& heard, Role role) : heard_(heard) { caller_.role = role; }
  const std::string& id() const override { return id_; }
  const Caller& caller() const override { return caller_; }
  void emit(std::string_view event, const Json& arguments) override {
    heard_.add(event, arguments);
  }

 private:
  Heard& heard_;
  std::string id_ = "client";
  Caller caller_;
};

class TestHub final : public SocketHub {
 public:
  explicit TestHub(Heard& heard) : heard_(heard) {}
  void on(std::string event, EventHandler handler) override { handlers_[event] = handler; }
  void on_connect(ClientHandler handler) override { connected_ = handler; }
  void on_disconnect(ClientHandler) override {}
  void emit(std::string_view event, const Json& arguments) override {
    heard_.add(event, arguments);
  }
  int clients() const override { return 1; }

  void connect(Role role = Role::admin) {
    client_ = std::make_shared<TestClient>(heard_, role);
    connected_(client_);
  }
  bool send(const Json& message) {
    const auto handler = handlers_.find(message[0].get<std::string>());
    if (handler == handlers_.end()) return false;
    Json arguments = message;
    arguments.erase(0);
    handler->second(client_, arguments);
    return true;
  }

 private:
  Heard& heard_;
  std::map<std::string, EventHandler> handlers_;
  ClientHandler connected_;
  std::shared_ptr<SocketClient> client_;
};

/// "" when `came` is what `wanted` describes; … stands for any text, alone for anything.
std::string misfit(const Json& wanted, const Json& came, const std::string& where) {
  const std::string kAny = "\u2026";
  if (wanted == kAny) return {};
  if (wanted.is_string() && came.is_string()) {
    const std::string text = wanted, other = came;
    const auto gap = text.find(kAny);
    if (gap == text.npos) return text == other ? "" : where + ": " + other;
    const std::string tail = text.substr(gap + kAny.size());
    const bool fits = other.starts_with(text.substr(0, gap)) && other.ends_with(tail);
    return fits ? "" : where + ": " + other;
  }
  if (wanted.is_object() && came.is_object()) {
    for (const auto& [key, value] : came.items())
      if (!wanted.contains(key)) return where + " has " + key + " besides";
    for (const auto& [key, value] : wanted.items()) {
      if (!came.contains(key)) return where + " lacks " + key;
      if (auto bad = misfit(value, came[key], where + "." + key); !bad.empty()) return bad;
    }
    return {};
  }
  if (wanted.is_array() && came.is_array()) {
    if (wanted.size() != came.size())
      return fmt::format("{} has {} elements, not {}", where, came.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (auto bad = misfit(wanted[i], came[i], fmt::format("{}[{}]", where, i)); !bad.empty())
        return bad;
    return {};
  }
  return wanted == came ? "" : where + ": " + came.dump();
}

class Wire : public WithStudio {
 protected:
  void SetUp() override {
    WithStudio::SetUp();
    legacy_ = add_legacy(router_, hub_, *studio_);
    ASSERT_TRUE(wait_until_ready());
    hub_.connect();
  }
  void TearDown() override {
    legacy_.reset();
    WithStudio::TearDown();
  }

  static std::string canvas(int clear_columns) {
    image::Image picture(64, 64, 4);
    for (int y = 0; y < 64; ++y)
      for (int x = 0; x < 64; ++x) {
        std::uint8_t* pixel = picture.at(x, y);
        std::fill_n(pixel, 3, static_cast<std::uint8_t>(x * 3));
        pixel[3] = x < clear_columns ? 0 : 255;
      }
    return png_data_url(image::encode_png(picture).value());
  }
  static std::string mask(int black_columns) {
    image::Image picture(64, 64, 4);
    for (int y = 0; y < 64; ++y)
      for (int x = 0; x < 64; ++x) {
        std::fill_n(picture.at(x, y), 3, static_cast<std::uint8_t>(x < black_columns ? 0 : 255));
        picture.at(x, y)[3] = 255;
      }
    return png_data_url(image::encode_png(picture).value());
  }

  Response upload(const std::string& data, const std::string& file = "",
                  const std::string& filename = "my cat.png") {
    std::string form;
    if (!file.empty())
      form += "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + filename +
              "\"\r\n\r\n" + file + "\r\n";
    form += "--x\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n" + data + "\r\n--x--\r\n";
    return ask("POST", "/upload", form, {{"content-type", "multipart/form-data; boundary=x"}});
  }

  Heard heard_;
  TestHub hub_{heard_};
  std::shared_ptr<void> legacy_;
};

TEST_F(Wire, EveryMessageOfTheDocument) {
  const std::string document = read_file(INVOKEAI_SOURCE_ROOT "/docs/wire.md").value();
  const Response uploaded = upload(R"({"kind": "init"})", png());
  ASSERT_EQ(uploaded.status, 200) << text_of(uploaded);
  const std::string upload_url = Json::parse(text_of(uploaded))["url"];
  std::string last_result;
  const auto with_pictures = [&](std::string line) {
    const std::pair<std::string, std::string> pictures[] = {
        {"⟨upload⟩", upload_url},      {"⟨last result⟩", last_result},
        {"⟨clear⟩", canvas(64)},       {"⟨opaque⟩", canvas(0)},
        {"⟨half clear⟩", canvas(32)},  {"⟨white⟩", mask(0)},
        {"⟨half black⟩", mask(32)}};
    for (const auto& [name, text] : pictures)
      if (const auto at = line.find(name); at != line.npos) line.replace(at, name.size(), text);
    return line;
  };
  int sent = 0, heard = 0;
  std::size_t number = 0;
  for (std::size_t at = 0; at < document.size(); ++number) {
    const std::size_t end = std::min(document.find('\n', at), document.size());
    const std::string line = document.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("→ ")) {
      ++sent;
      const Json message = Json::parse(with_pictures(line.substr(std::strlen("→ "))), nullptr, false);
      ASSERT_TRUE(message.is_array()) << "line " << number + 1;
      ASSERT_TRUE(hub_.send(message)) << "nobody hears " << message[0];
    } else if (line.starts_with("← ")) {
      ++heard;
      const Json wanted = Json::parse(line.substr(std::strlen("← ")), nullptr, false);
      ASSERT_TRUE(wanted.is_array()) << "line " << number + 1;
      const Json came = heard_.next();
      ASSERT_EQ(misfit(wanted, came, wanted[0]), "")
          << "line " << number + 1 << ": " << came.dump().substr(0, 2000);
      if (came[0] == "generationResult") {
        last_result = came[1]["url"];
        EXPECT_EQ(ask("GET", "/" + last_result).status, 200) << last_result;
        const std::string thumbnail = came[1]["thumbnail"];
        EXPECT_EQ(ask("GET", "/" + thumbnail).status, 200) << thumbnail;
      }
    }
  }
  EXPECT_GT(sent, 35);
  EXPECT_GT(heard, 100);
  EXPECT_TRUE(heard_.next(200ms).is_null()) << "something was said besides";
}

TEST_F(Wire, UploadsAreCheckedInTheOrderOfTheOriginal) {
  const std::string url = canvas(32);
  const auto data = [&](const char* kind, const char* filename, bool crop) {
    return Json{{"kind", kind}, {"dataURL", url}, {"filename", filename}, {"cropVisible", crop}}
        .dump();
  };
  const std::tuple<std::string, std::string, std::string, int, std::string> cases[] = {
      {R"({"kind": "init"})", png(), "", 400, "No file selected"},
      {R"({"kind": "init", "dataURL": "data:image/png;base64,AA"})", "", "", 400,
       "No filename provided"},
      {R"({"kind": "init"})", "", "", 400, "No file or dataURL"},
      {data("odd", "a.png", false), "", "", 400, "Invalid upload kind: odd"},
      {data("init", "a.gif", false), "", "", 400,
       "Invalid file type, must be one of: png, jpg, jpeg"},
      {"{", png(), "a.png", 500, "Error uploading file"},
      {R"({"kind": "init"})", "no picture", "a.png", 500, "Error uploading file"}};
  for (const auto& [text, file, filename, status, answer] : cases) {
    const Response response = upload(text, file, filename);
    EXPECT_EQ(response.status, status) << text;
    EXPECT_EQ(text_of(response), answer);
    EXPECT_EQ(heard_.next()[0], "error");
  }
  for (const auto& [kind, folder] :
       {std::pair("init", "init-images/"), std::pair("temp", "temp-images/"),
        std::pair("mask", "mask-images/"), std::pair("result", "")}) {
    const Response response = upload(data(kind, "merged_canvas.png", true));
    ASSERT_EQ(response.status, 200) << text_of(response);
    const Json stored = Json::parse(text_of(response));
    EXPECT_TRUE(stored["url"].get<std::string>().starts_with(std::string("outputs/") + folder))
        << stored;
    EXPECT_EQ(stored["height"], 64);
    EXPECT_EQ(ask("GET", "/" + stored["url"].get<std::string>()).status, 200);
    EXPECT_EQ(ask("GET", "/" + stored["thumbnail"].get<std::string>()).status, 200);
  }
}

TEST_F(Wire, PagesOfPicturesMeetWithoutGap) {
  // 120 pictures of one moment: the client's cursor alone could not tell them apart.
  const auto moment = fs::file_time_type::clock::now();
  for (int i = 0; i < 120; ++i) {
    const fs::path file = studio_->options().output / fmt::format("{:06}.x.{}.png", i + 1, i);
    ASSERT_TRUE(write_file_atomically(file, png(8, 8)));
    fs::last_write_time(file, moment);
  }
  ASSERT_TRUE(studio_->gallery().reindex());
  std::set<std::string> seen;
  Json earliest;
  for (const bool more : {true, true, false}) {
    ASSERT_TRUE(hub_.send(Json::array({"requestImages", "result", earliest})));
    const Json page = heard_.next()[1];
    EXPECT_EQ(page["areMoreImagesAvailable"], more);
    ASSERT_FALSE(page["images"].empty());
    for (const Json& image : page["images"]) seen.insert(image["url"].get<std::string>());
    earliest = page["images"].back()["mtime"];
  }
  EXPECT_EQ(seen.size(), 120u);
}

TEST_F(Wire, OutputsStayInTheirFolder) {
  ASSERT_TRUE(write_file_atomically(folder_ / "secret.png", png()));
  for (const char* path : {"/outputs/../secret.png", "/outputs/..%2fsecret.png",
                           "/outputs/.gallery/index.db", "/outputs/gone.png",
                           "/outputs/thumbnails/gone.png.webp"})
    EXPECT_EQ(ask("GET", path).status, 404) << path;
  EXPECT_EQ(Json::parse(text_of(ask("GET", "/flaskwebgui-keep-server-alive")))["message"],
            "Server Running");
}

TEST_F(Wire, OnlyAdminsEditModels) {
  hub_.connect(Role::user);
  for (const Json& message : {Json({"searchForModels", "/"}), Json({"deleteModel", "demo"}),
                              Json::array({"addNewModel", Json::object()})}) {
    ASSERT_TRUE(hub_.send(message));
    const Json answer = heard_.next();
    EXPECT_EQ(answer[0], "error");
    EXPECT_TRUE(answer[1]["message"].get<std::string>().starts_with("Only an admin"));
  }
}

class SlowWire : public Wire {
 protected:
  SlowWire() { step_milliseconds_ = "30"; }
};

TEST_F(SlowWire, CancelEndsTheJobAndKeepsItsPictures) {
  const Json request = {{"prompt", "x"},     {"iterations", 3}, {"steps", 40},
                        {"width", 64},       {"height", 64},    {"seed", 1},
                        {"generation_mode", "txt2img"}};
  ASSERT_TRUE(hub_.send(Json::array({"generateImage", request, false, false})));
  for (Json message = heard_.next(); message[0] != "generationResult"; message = heard_.next())
    ASSERT_EQ(message[0], "progressUpdate");
  ASSERT_TRUE(hub_.send(Json::array({"cancel"})));
  Json message = heard_.next();
  while (message[0] == "progressUpdate") {
    EXPECT_NE(message[1]["currentStatus"], "common:statusProcessingComplete");
    message = heard_.next();
  }
  EXPECT_EQ(message, Json::array({"processingCanceled"}));
  EXPECT_EQ(json(200, "GET", "/api/v1/jobs")["jobs"][0]["results"].size(), 1u);
}

TEST_F(SlowWire, APageThatComesBackFollowsTheJob) {
  const Json request = {{"prompt", "x"}, {"steps", 100}, {"generation_mode", "txt2img"}};
  ASSERT_TRUE(hub_.send(Json::array({"generateImage", request, false, false})));
  for (int i = 0; i < 5; ++i) ASSERT_EQ(heard_.next()[0], "progressUpdate");
  hub_.connect();
  EXPECT_EQ(heard_.next()[1]["isProcessing"], true);
  ASSERT_TRUE(hub_.send(Json::array({"cancel"})));
}

TEST_F(Wire, FailuresAreTold) {
  const Json request = {{"prompt", "crash"}, {"generation_mode", "txt2img"}};
  ASSERT_TRUE(hub_.send(Json::array({"generateImage", request, false, false})));
  Json message = heard_.next();
  while (message[0] == "progressUpdate") message = heard_.next();
  EXPECT_EQ(message[0], "error");
}

}  // namespace
}  // namespace invokeai::server::test
