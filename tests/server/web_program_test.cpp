// `invokeai --web` as a process: its start, its end, and accidents in between.

#include "server/web_program.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <random>

#include "base/sqlite.h"
#include "image/compose.h"
#include "server/internal/base64.h"

namespace invokeai::server {
namespace {

TEST_F(WebProgram, AnswersWhileTheModelLoads) {
  const auto begin = std::chrono::steady_clock::now();
  start();
  RawClient client(port_);
  const Reply page = client.ask("GET", "/");
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(page.status, 200);
  RecordProperty("seconds_to_the_page", std::to_string(spent.count()));
  EXPECT_LT(spent.count(), 5.0);  // 0.5 on an idle machine
  EXPECT_EQ(ask(200, "GET", "/api/v1/app")["user"]["role"], "admin");
  EXPECT_EQ(client.ask("GET", "/healthz").status, 200);
  EXPECT_NE(output().find("Point your browser at http://127.0.0.1:"), std::string::npos);
}

TEST_F(WebProgram, DevelopingAndVerboseOnRequest) {
  start({"--web_develop", "--web_verbose"});
  RawClient client(port_);
  const Reply page = client.ask("GET", "/");
  EXPECT_EQ(page.status, 302);
  EXPECT_EQ(page.headers.at("location"), "http://127.0.0.1:5173");
  for (int i = 0; i < 400 && errors().find("\"GET / 302 ") == std::string::npos; ++i)
    std::this_thread::sleep_for(5ms);
  EXPECT_NE(errors().find("\"GET / 302 "), std::string::npos) << errors();
}

TEST_F(WebProgram, CtrlCEndsItWithZero) {
  engine_ = "fake-slow";
  start();
  post(3, 500);
  RawClient events(port_);
  events.send("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(events.reply(true).status, 200);
  std::this_thread::sleep_for(300ms);
  ::kill(pid_, SIGINT);
  EXPECT_EQ(wait_for_exit(), 0);
  EXPECT_TRUE(events.ended());
}

TEST_F(WebProgram, TerminationFinishesThePictureAndTheRestComesLater) {
  engine_ = "fake-slow";
  start();
  const std::string id = post(3, 60);
  while (ask(200, "GET", "/api/v1/jobs/" + id)["done"] < 1) std::this_thread::sleep_for(20ms);
  ::kill(pid_, SIGTERM);
  EXPECT_EQ(wait_for_exit(), 0);
  start();
  check_complete(wait_for_end(id), 3);
}

TEST_F(WebProgram, KillsOfWorkerAndServerLoseAndDoubleNothing) {
  engine_ = "fake-slow";
  const char* wanted = std::getenv("INVOKEAI_TEST_KILLS");
  const int kills = wanted != nullptr ? std::atoi(wanted) : 20;
  constexpr int kPictures = 200;
  start();
  const std::string id = post(kPictures, 3);
  std::mt19937 random(7);
  int done = 0, worker_kills = 0, server_kills = 0;
  while (worker_kills + server_kills < kills) {
    // Three deaths over one picture would rightly fail the job, so each time it gets one further.
    Json job = ask(200, "GET", "/api/v1/jobs/" + id);
    for (int i = 0; i < 2000 && job["done"] <= done && job["state"] != "failed"; ++i) {
      std::this_thread::sleep_for(5ms);
      job = ask(200, "GET", "/api/v1/jobs/" + id);
    }
    ASSERT_GT(job["done"], done) << job["error"];
    done = job["done"];
    ASSERT_LT(done, kPictures) << "all drawn after " << worker_kills + server_kills << " kills";
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 60));
    if (random() % 3 == 0) {
      kill_server();
      ++server_kills;
      start();
    } else if (const pid_t pid = worker(); pid > 0) {
      ::kill(pid, SIGKILL);
      ++worker_kills;
    }
  }
  EXPECT_GT(worker_kills, 0);
  EXPECT_GT(server_kills, 0);
  RecordProperty("kills", fmt::format("{} of workers, {} of servers", worker_kills, server_kills));
  check_complete(wait_for_end(id), kPictures);
}

TEST_F(WebProgram, AFolderThatCannotTakePicturesIsToldAndNothingElseSuffers) {
  start();
  wait_for_end(post(1, 1));
  fs::rename(pictures(), folder_ / "away");
  ASSERT_TRUE(write_file_atomically(pictures(), "no folder"));
  const Json refused = ask(500, "POST", "/api/v1/jobs", {{"prompt", "x"}});
  EXPECT_NE(refused["error"]["message"].get<std::string>().find("cannot write into the output folder"),
            std::string::npos);
  EXPECT_EQ(ask(200, "GET", "/api/v1/jobs")["jobs"].size(), 1u);
  fs::remove(pictures());
  fs::rename(folder_ / "away", pictures());
  EXPECT_EQ(wait_for_end(post(1, 1, 7))["state"], "completed");
}

TEST_F(WebProgram, ALockedQueueIsToldAndWaitedFor) {
  start();
  const std::string id = post(2, 1);
  wait_for_end(id);
  {
    auto database = sql::Database::open(folder_ / "root" / "state" / "queue.db").value();
    ASSERT_TRUE(database.run_script("BEGIN EXCLUSIVE"));
    const Json locked = ask(500, "POST", "/api/v1/jobs", {{"prompt", "x"}});
    EXPECT_EQ(locked["error"]["code"], "io");
    EXPECT_EQ(RawClient(port_).ask("GET", "/healthz").status, 200);
    ASSERT_TRUE(database.run_script("ROLLBACK"));
  }
  EXPECT_EQ(wait_for_end(post(1, 1))["state"], "completed");
}

/// The service manager's end of $NOTIFY_SOCKET.
class ServiceManager {
 public:
  /// A name that begins with @ has no file.
  explicit ServiceManager(const std::string& name) : socket_(::socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), address.sun_path);
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0) << name;
  }
  ~ServiceManager() { ::close(socket_); }

  /// The next message; empty when none comes.
  std::string hear() const {
    pollfd waiting{socket_, POLLIN, 0};
    char bytes[256];
    if (::poll(&waiting, 1, 20'000) <= 0) return {};
    const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
    return {bytes, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }

 private:
  const int socket_;
};

TEST_F(WebProgram, TellsTheServiceManagerHowItGoes) {
  for (const std::string& name :
       {(folder_ / "notify").string(), fmt::format("@invokeai-test-{}", ::getpid())}) {
    const ServiceManager manager(name);
    variables_ = {"NOTIFY_SOCKET=" + name, "WATCHDOG_USEC=400000"};
    start();
    EXPECT_EQ(manager.hear(), "READY=1");
    EXPECT_EQ(RawClient(port_).ask("GET", "/healthz").status, 200);
    EXPECT_EQ(manager.hear(), "WATCHDOG=1");
    EXPECT_EQ(manager.hear(), "WATCHDOG=1");
    ::kill(pid_, SIGTERM);
    std::string last = "WATCHDOG=1";
    for (int i = 0; i < 50 && last == "WATCHDOG=1"; ++i) last = manager.hear();
    EXPECT_EQ(last, "STOPPING=1");
    EXPECT_EQ(wait_for_exit(), 0);
  }
}

TEST_F(WebProgram, TheRealEnginePaintsABoxOfACanvas) {
  if (!INVOKEAI_HAS_ENGINE) GTEST_SKIP() << "built without libtorch";
  engine_.clear();
  model_ = fs::path(INVOKEAI_SOURCE_ROOT) / "models" / "demo";
  start();
  // White, with a grey stripe that is to stay; the right half of the box stands over the edge.
  image::Image canvas(128, 128, 3);
  std::ranges::fill(canvas.pixels, std::uint8_t{255});
  for (int y = 0; y < 128; ++y) std::fill_n(canvas.at(70, y), 3 * 6, std::uint8_t{90});
  const Json job = wait_for_end(
      ask(202, "POST", "/api/v1/jobs",
          {{"prompt", "a red circle on a white background"},
           {"values", {{"steps", 4}, {"seed", 7}, {"strength", 0.9}, {"seam_size", 16}, {"seam_steps", 4}, {"infill_method", "tile"}}},
           {"canvas",
            {{"box", {{"left", 64}, {"top", 32}, {"width", 128}, {"height", 64}}},
             {"picture", base64_encode(image::encode_png(canvas).value())}}}})["id"]);
  ASSERT_EQ(job["state"], "completed") << job.dump();
  const auto drawn = image::decode_png(
      read_file(pictures() / job["results"][0]["name"].get<std::string>()).value_or(""));
  ASSERT_TRUE(drawn);
  ASSERT_EQ(drawn->width, 128);
  ASSERT_EQ(drawn->height, 64);
  EXPECT_EQ(image::crop(*drawn, {0, 0, 40, 64}), image::crop(canvas, {64, 32, 40, 64}))
      << "what was there stays";
  const image::Image fresh = image::crop(*drawn, {72, 0, 56, 64});
  EXPECT_NE(*std::ranges::min_element(fresh.pixels), *std::ranges::max_element(fresh.pixels))
      << "the empty half is painted";
}

TEST_F(WebProgram, MistakesAreTold) {
  const std::tuple<std::vector<std::string>, int, const char*> cases[] = {
      {{"--host", "0.0.0.0"}, 2, "--token"},
      {{"--certfile", "/nowhere.pem"}, 2, "keyfile"},
      {{"a prompt"}, 2, "exclude each other"}};
  for (const auto& [words, status, wanted] : cases) {
    fs::remove(folder_ / "stderr");
    std::vector<std::string> all = {INVOKEAI_BINARY_ROOT "/bin/invokeai", "--web", "--port", "0",
                                    "--root_dir", (folder_ / "root").string()};
    all.insert(all.end(), words.begin(), words.end());
    std::string command;
    for (const auto& word : all) command += "'" + word + "' ";
    command = "INVOKEAI_ENGINE=fake INVOKEAI_DEMO_MODEL='" + (folder_ / "demo").string() + "' " +
              command + "> /dev/null 2> '" + (folder_ / "stderr").string() + "'";
    const int result = std::system(command.c_str());
    EXPECT_EQ(WEXITSTATUS(result), status) << command << errors();
    EXPECT_NE(errors().find(wanted), std::string::npos) << errors();
  }
}

}  // namespace
}  // namespace invokeai::server
