// The server under python-socketio, where the interpreter named in INVOKEAI_SOCKETIO_PYTHON has it
// (scripts/oracles/socketio_python makes one).

#include <cstdlib>

#include <nlohmann/json.hpp>

#include "server/raw_client.h"

namespace invokeai::server {
namespace {

class ForeignClientTest : public ServerTest {};

TEST_F(ForeignClientTest, PythonSocketioFindsNoDifference) {
  const char* python = std::getenv("INVOKEAI_SOCKETIO_PYTHON");
  if (python == nullptr)
    GTEST_SKIP() << "INVOKEAI_SOCKETIO_PYTHON names no Python with python-socketio; "
                    "scripts/oracles/socketio_python makes one";
  HttpServerOptions options;
  options.ping_interval = std::chrono::milliseconds(500);
  open(options);
  using nlohmann::json;
  server_->sockets().on("echo", [](const auto& c, const json& a) { c->emit("echoed", a); });
  server_->sockets().on("all", [this](const auto&, const json& a) { server_->sockets().emit("told", a); });
  start();
  const std::string command =
      fmt::format("timeout 100 '{}' '{}/server/foreign_client.py' http://127.0.0.1:{} 2>&1", python,
                  INVOKEAI_TEST_DATA, server_->port());
  std::FILE* run = ::popen(command.c_str(), "r");
  ASSERT_NE(run, nullptr);
  std::string said;
  for (char bytes[4096]; std::fgets(bytes, sizeof bytes, run) != nullptr;) said += bytes;
  EXPECT_EQ(::pclose(run), 0) << said;
  EXPECT_EQ(said, "three ways, no difference\n");
}

}  // namespace
}  // namespace invokeai::server
