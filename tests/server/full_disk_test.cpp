// A full disk over HTTP: said clearly, nothing half written, and all well again once there is room.
//
// Set INVOKEAI_TEST_SMALL_DISK to a folder on a file system of a megabyte, as scripts/test does.

#include <random>

#include "server/web_program.h"

namespace invokeai::server {
namespace {

class FullDisk : public WebProgram {
 protected:
  void SetUp() override {
    WebProgram::SetUp();
    const char* disk = std::getenv("INVOKEAI_TEST_SMALL_DISK");
    if (disk == nullptr) GTEST_SKIP() << "needs INVOKEAI_TEST_SMALL_DISK";
    disk_ = fs::path(disk) / fmt::format("web-{}", ::getpid());
    fs::remove_all(disk_);
    fs::create_directories(disk_);
  }
  void TearDown() override {
    WebProgram::TearDown();
    if (!disk_.empty()) fs::remove_all(disk_);
  }

  /// The first picture of a job that has ended, once the gallery knows it.
  std::string picture_of(const Json& job) const {
    EXPECT_EQ(job["state"], "completed") << job.dump();
    const std::string name = job["results"][0]["name"];
    EXPECT_TRUE(becomes_true([&] {
      return RawClient(port_).ask("GET", "/api/v1/images/" + name).status == 200;
    }));
    return name;
  }

  /// Leaves not one byte.
  void fill() const {
    std::ofstream file(disk_ / "filler", std::ios::binary | std::ios::app);
    for (const std::size_t piece : {65536, 4096, 512, 1})
      while (file.write(std::string(piece, 'x').data(), static_cast<std::streamsize>(piece)).flush()) {
      }
  }
  void make_room() const { fs::remove(disk_ / "filler"); }

  /// A form with a picture of noise, which no encoding makes small.
  static std::string form(int side) {
    image::Image noise(side, side, 3);
    std::mt19937 random(1);
    for (auto& byte : noise.pixels) byte = static_cast<std::uint8_t>(random());
    return "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"noise.png\"\r\n\r\n" +
           image::encode_png(noise).value() + "\r\n--x--\r\n";
  }
  Reply upload() const {
    return RawClient(port_).ask("POST", "/api/v1/images",
                                "Content-Type: multipart/form-data; boundary=x\r\n", form(100));
  }
  /// Status of a request; a refusal has to be that of a full disk.
  int try_to(const std::string& method, const std::string& target, const Json& body) const {
    const Reply reply =
        RawClient(port_).ask(method, target, "Content-Type: application/json\r\n", body.dump());
    if (reply.status >= 400) {
      EXPECT_EQ(reply.status, 507) << method << ' ' << target << ' ' << reply.body;
      EXPECT_NE(reply.body.find("\"disk_full\""), std::string::npos) << reply.body;
      EXPECT_EQ(reply.body.find('\n'), std::string::npos);
    }
    return reply.status;
  }
  std::set<std::string> files_below(const fs::path& folder) const {
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file() && entry.path().string().find("/.gallery/") == std::string::npos)
        names.insert(entry.path().lexically_relative(folder).string());
    return names;
  }

  fs::path disk_;
};

TEST_F(FullDisk, PicturesThatDoNotFitFailTheirJobAndLeaveNothing) {
  const fs::path outputs = disk_ / "outputs";
  start({"--outdir", outputs.string()});
  picture_of(wait_for_end(post(1, 1)));
  const auto before = files_below(outputs);
  fill();
  const Reply refused = upload();
  EXPECT_EQ(refused.status, 507) << refused.body;
  EXPECT_NE(refused.body.find("\"disk_full\""), std::string::npos) << refused.body;
  const Json failed = wait_for_end(post(1, 1, 7));
  EXPECT_EQ(failed["state"], "failed");
  EXPECT_EQ(failed["error"]["code"], "disk_full") << failed["error"];
  EXPECT_EQ(files_below(outputs), before);
  EXPECT_EQ(ask(200, "GET", "/api/v1/images")["images"].size(), 1u);
  make_room();
  EXPECT_EQ(upload().status, 201);
  ask(200, "POST", "/api/v1/jobs/" + failed["id"].get<std::string>() + "/retry");
  EXPECT_EQ(wait_for_end(failed["id"])["state"], "completed");
}

class EverythingOnAFullDisk : public FullDisk {
 protected:
  fs::path root() const override { return disk_; }
};

TEST_F(EverythingOnAFullDisk, IsToldAndHarmsNothing) {
  start();
  const std::string name = picture_of(wait_for_end(post(1, 1)));
  const std::string board = ask(201, "POST", "/api/v1/boards", {{"name", "stars"}})["id"];
  const auto before = files_below(pictures());
  fill();
  EXPECT_EQ(upload().status, 507);
  // What finds room in a database's log may succeed; then it is done.
  const bool starred = try_to("PATCH", "/api/v1/images/" + name, {{"starred", true}}) == 200;
  const bool assigned = try_to("PATCH", "/api/v1/images/" + name, {{"board", board}}) == 200;
  const bool second_board = try_to("POST", "/api/v1/boards", {{"name", "more"}}) == 201;
  const bool remembered = try_to("PUT", "/api/v1/settings", {{"text", std::string(100'000, 'x')}}) == 200;
  EXPECT_FALSE(remembered);
  const bool queued = try_to("POST", "/api/v1/jobs", {{"prompt", std::string(50'000, 'x')}}) == 202;
  EXPECT_FALSE(queued);
  EXPECT_EQ(files_below(pictures()), before);
  EXPECT_EQ(RawClient(port_).ask("GET", "/healthz").status, 200);
  EXPECT_EQ(ask(200, "GET", "/api/v1/images/" + name)["starred"], starred);
  EXPECT_EQ(RawClient(port_).ask("GET", "/api/v1/images/" + name + "/file").status, 200);

  kill_server();
  make_room();
  start();
  const Json picture = ask(200, "GET", "/api/v1/images/" + name);
  EXPECT_EQ(picture["starred"], starred);
  EXPECT_EQ(picture["board"], assigned ? Json(board) : Json());
  EXPECT_EQ(ask(200, "GET", "/api/v1/boards")["boards"].size(), second_board ? 2u : 1u);
  EXPECT_EQ(ask(200, "GET", "/api/v1/settings"), Json::object());
  EXPECT_EQ(ask(200, "GET", "/api/v1/jobs")["jobs"].size(), 1u);
  EXPECT_EQ(ask(200, "PATCH", "/api/v1/images/" + name, {{"starred", true}})["starred"], true);
  EXPECT_EQ(upload().status, 201);
  EXPECT_EQ(wait_for_end(post(1, 1, 9))["state"], "completed");
}

}  // namespace
}  // namespace invokeai::server
