#pragma once
// A studio with a worker on the fake engine, and its routes without any network.

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "image/png.h"
#include "server/api.h"
#include "server/studio.h"

namespace invokeai::server::test {

using Json = nlohmann::json;
using namespace std::chrono_literals;

/// What a stream of events was told.
class HeardEvents final : public EventSink {
 public:
  struct Heard {
    std::string event, data, id;
    Json json() const { return Json::parse(data); }
  };
  void send(std::string_view event, std::string_view data, std::string_view id) override {
    const std::lock_guard lock(mutex_);
    heard_.push_back({std::string(event), std::string(data), std::string(id)});
    changed_.notify_all();
  }
  void close() override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
  bool closed() const override {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  std::vector<Heard> heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }
  bool wait_until_closed() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return closed_; });
  }
  template <class Test>
  bool wait_for(Test test) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s,
                             [&] { return std::any_of(heard_.begin(), heard_.end(), test); });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Heard> heard_;
  bool closed_ = false;
};

class WithStudio : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) /
              fmt::format("{}_{}_{}", test->test_suite_name(), test->name(), ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "models" / "other");
    fs::create_directories(folder_ / "models" / "demo");
    for (const char* model : {"demo", "other"})
      EXPECT_TRUE(write_file_atomically(folder_ / "models" / model / "model_index.json", "{}"));
    open();
  }
  void TearDown() override {
    streams_.clear();
    router_ = {};
    studio_.reset();
    fs::remove_all(folder_);
  }

  StudioOptions options() const {
    StudioOptions options;
    options.root = folder_;
    options.output = folder_ / "outputs";
    options.worker_command = {INVOKEAI_BINARY_ROOT "/bin/fake_worker", step_milliseconds_};
    options.engine.model_path = (folder_ / "models" / "demo").string();
    options.defaults.set("steps", std::int64_t{3});
    options.pixel_bytes = pixel_bytes_;
    options.pixel_patience = pixel_patience_;
    return options;
  }

  void open() {
    auto studio = Studio::open(options());
    ASSERT_TRUE(studio) << studio.error().text();
    studio_ = std::move(*studio);
    router_ = {};
    auto access = Access::open({.file = folder_ / "users.json"});
    ASSERT_TRUE(access) << access.error().text();
    access_ = std::move(*access);
    add_api(router_, *studio_, *access_);
    add_operation_routes(router_, *studio_);
  }

  static std::string text_of(const Response& response) {
    if (const auto* text = std::get_if<std::string>(&response.body)) return *text;
    if (const auto* file = std::get_if<FileBody>(&response.body))
      return read_file(file->path).value_or("?");
    return {};
  }

  Response ask(const std::string& method, const std::string& target, const std::string& body = "",
               std::map<std::string, std::string> headers = {}, Role role = Role::admin) {
    Request request;
    request.method = method;
    const std::string raw = target.substr(0, target.find('?'));
    request.path = raw;
    if (raw.size() < target.size()) {
      const std::string query = target.substr(raw.size() + 1);
      for (std::size_t at = 0; at < query.size();) {
        const std::size_t end = std::min(query.find('&', at), query.size());
        const std::size_t equals = query.find('=', at);
        request.query[query.substr(at, equals - at)] = query.substr(equals + 1, end - equals - 1);
        at = end + 1;
      }
    }
    request.body = body;
    request.headers = std::move(headers);
    request.caller.role = role;
    return router_.answer(std::move(request), raw);
  }

  /// The JSON of an answer that has this status.
  Json json(int status, const std::string& method, const std::string& target,
            const Json& body = nullptr) {
    const Response response = ask(method, target, body.is_null() ? "" : body.dump());
    EXPECT_EQ(response.status, status) << method << ' ' << target << ": " << text_of(response);
    const std::string text = text_of(response);
    return text.empty() ? Json() : Json::parse(text, nullptr, false);
  }

  Json post_job(const Json& body) { return json(202, "POST", "/api/v1/jobs", body); }

  /// The job once it has ended.
  Json ended(const std::string& id) {
    Json job;
    for (int i = 0; i < 3000; ++i) {
      job = json(200, "GET", "/api/v1/jobs/" + id);
      const std::string state = job["state"];
      if (state != "queued" && state != "running") return job;
      std::this_thread::sleep_for(10ms);
    }
    return job;
  }

  template <class Test>
  static bool wait_until(Test test) {
    for (int i = 0; i < 3000; ++i) {
      if (test()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  bool wait_until_ready() {
    return wait_until([&] { return studio_->engine().state == EngineState::ready; });
  }

  /// Opens a stream and keeps it.
  std::shared_ptr<HeardEvents> listen(const std::string& target,
                                      std::map<std::string, std::string> headers = {}) {
    auto sink = std::make_shared<HeardEvents>();
    const Response response = ask("GET", target, "", std::move(headers));
    const auto* open = std::get_if<OpenStream>(&response.body);
    EXPECT_NE(open, nullptr) << text_of(response);
    if (open != nullptr) streams_.push_back((*open)(sink));
    return sink;
  }

  static std::string png(int width = 64, int height = 64, int channels = 3) {
    image::Image picture(width, height, channels);
    for (std::size_t i = 0; i < picture.pixels.size(); ++i)
      picture.pixels[i] = channels == 4 && i % 4 == 3 ? 255 : static_cast<std::uint8_t>(i * 7);
    return image::encode_png(picture).value();
  }

  fs::path folder_;
  std::string step_milliseconds_ = "0";
  std::size_t pixel_bytes_ = std::size_t{1} << 30;
  std::chrono::milliseconds pixel_patience_ = 20s;
  std::unique_ptr<Studio> studio_;
  std::unique_ptr<Access> access_;
  Router router_;
  std::vector<std::shared_ptr<void>> streams_;
};

}  // namespace invokeai::server::test
