#pragma once
// `invokeai --web` as a process with a folder of its own.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/file.h"
#include "base/seeds.h"
#include "image/png.h"
#include "server/raw_client.h"

namespace invokeai::server {

using Json = nlohmann::json;
using namespace std::chrono_literals;

class WebProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) / fmt::format("web_{}_{}", test->name(), ::getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "demo");
  }
  void TearDown() override {
    if (pid_ > 0) kill_server();
    fs::remove_all(folder_);
  }

  std::string output() const { return read_file(folder_ / "stdout").value_or(""); }
  std::string errors() const { return read_file(folder_ / "stderr").value_or(""); }
  fs::path pictures() const { return root() / "outputs" / "img-samples"; }

  /// Where the server's root folder lies; a test may choose another before start().
  virtual fs::path root() const { return folder_ / "root"; }

  /// Starts the server and waits for the line with its address.
  void start(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {INVOKEAI_BINARY_ROOT "/bin/invokeai",
                                      "--web",
                                      "--port",
                                      "0",
                                      "--root_dir",
                                      root().string(),
                                      "--model",
                                      model_.empty() ? (folder_ / "demo").string() : model_.string()};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<std::string> variables = {"HOME=" + folder_.string(), "PATH=/usr/bin:/bin",
                                          "GOMP_SPINCOUNT=0", "OMP_NUM_THREADS=1"};
    if (!engine_.empty()) variables.push_back("INVOKEAI_ENGINE=" + engine_);
    variables.insert(variables.end(), variables_.begin(), variables_.end());
    fs::remove(folder_ / "stdout");
    pid_ = ::fork();
    if (pid_ == 0) {
      std::vector<char*> arguments, environment;
      for (auto& word : words) arguments.push_back(word.data());
      for (const auto& variable : variables)
        environment.push_back(const_cast<char*>(variable.c_str()));
      arguments.push_back(nullptr);
      environment.push_back(nullptr);
      ::dup2(::open((folder_ / "stdout").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
      ::dup2(::open((folder_ / "stderr").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), 2);
      ::execve(arguments[0], arguments.data(), environment.data());
      ::_exit(99);
    }
    for (int i = 0; i < 2000 && port_of(output()) == 0; ++i) std::this_thread::sleep_for(5ms);
    port_ = port_of(output());
    ASSERT_NE(port_, 0) << output() << errors();
  }

  static std::uint16_t port_of(const std::string& text) {
    const std::string lead = "http://127.0.0.1:";
    const auto at = text.find(lead);
    if (at == text.npos || text.find('\n', at) == text.npos) return 0;
    return static_cast<std::uint16_t>(std::atoi(text.c_str() + at + lead.size()));
  }

  /// Exit status, or -1000 when it did not end in time.
  int wait_for_exit() {
    for (int i = 0; i < 4000; ++i) {
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
      }
      std::this_thread::sleep_for(10ms);
    }
    return -1000;
  }

  void kill_server() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  /// The server's child; 0 when there is none.
  pid_t worker() const {
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const pid_t pid = std::atoi(entry.path().filename().c_str());
      if (pid <= 0) continue;
      std::ifstream file(entry.path() / "stat");
      std::string stat;
      std::getline(file, stat);
      const auto end = stat.rfind(')');
      if (end == stat.npos || end + 4 > stat.size()) continue;
      if (std::atoi(stat.c_str() + end + 4) == pid_ && stat[end + 2] != 'Z') return pid;
    }
    return 0;
  }

  Json ask(int status, const std::string& method, const std::string& target,
           const Json& body = nullptr) {
    RawClient client(port_);
    const Reply reply = client.ask(method, target, "Content-Type: application/json\r\n",
                                   body.is_null() ? "" : body.dump());
    EXPECT_EQ(reply.status, status) << method << ' ' << target << ": " << reply.body;
    return Json::parse(reply.body, nullptr, false);
  }

  std::string post(int pictures, int steps, std::int64_t seed = 42) {
    const Json job = ask(202, "POST", "/api/v1/jobs",
                         {{"prompt", "a red star"},
                          {"values", {{"iterations", pictures}, {"steps", steps}, {"seed", seed}}}});
    return job.value("id", "");
  }

  Json wait_for_end(const std::string& id) {
    Json job;
    for (int i = 0; i < 6000; ++i) {
      job = ask(200, "GET", "/api/v1/jobs/" + id);
      const std::string state = job.value("state", "");
      if (state != "queued" && state != "running") return job;
      std::this_thread::sleep_for(10ms);
    }
    return job;
  }

  /// Every picture once, in order, each with the seed it should have, and nothing else on disk.
  void check_complete(const Json& job, int count, std::uint32_t seed = 42) {
    EXPECT_EQ(job["state"], "completed") << job.dump();
    ASSERT_EQ(job["results"].size(), static_cast<std::size_t>(count));
    std::set<std::string> names;
    for (int i = 0; i < count; ++i, seed = next_seed(seed)) {
      EXPECT_EQ(job["results"][i]["index"], i);
      EXPECT_EQ(job["results"][i]["seed"], seed) << i;
      names.insert(job["results"][i]["name"].get<std::string>());
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(count));
    std::set<std::string> on_disk;
    for (const auto& entry : fs::directory_iterator(pictures())) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file() || name.starts_with("invoke_log")) continue;
      on_disk.insert(name);
      if (name.ends_with(".png")) {
        EXPECT_TRUE(image::decode_png(read_file(entry.path()).value_or(""))) << name;
      }
    }
    EXPECT_EQ(on_disk, names);
  }

  std::string engine_ = "fake";  ///< empty: the real one
  fs::path model_;               ///< empty: one without anything in it
  std::vector<std::string> variables_;
  fs::path folder_;
  pid_t pid_ = 0;
  std::uint16_t port_ = 0;
};

}  // namespace invokeai::server
