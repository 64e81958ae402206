#include "server/internal/service.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/result.h"

namespace invokeai::server {
namespace {

int g_pipe[2] = {-1, -1};  // from the signal handler, which may touch nothing else

void on_signal(int number) {
  const int kept = errno;
  const auto byte = static_cast<char>(number);
  [[maybe_unused]] const ssize_t put = ::write(g_pipe[1], &byte, 1);
  errno = kept;
}

}  // namespace

void notify_service(std::string_view state) {
  const char* name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  const std::size_t length = name != nullptr ? std::strlen(name) : 0;
  if (length == 0 || length >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name, length);
  if (name[0] == '@') address.sun_path[0] = '\0';  // a name without a file
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  ::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), size);
  ::close(socket);
}

std::optional<std::chrono::milliseconds> watchdog_interval() {
  const char* text = std::getenv("WATCHDOG_USEC");
  const long long microseconds = text != nullptr ? std::atoll(text) : 0;
  if (microseconds < 2000) return std::nullopt;
  return std::chrono::milliseconds(microseconds / 2000);  // twice as often as asked for
}

Signals::Signals() {
  INVOKEAI_CHECK_EQ(::pipe2(g_pipe, O_CLOEXEC | O_NONBLOCK), 0);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Signals::~Signals() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  ::close(g_pipe[0]);
  ::close(g_pipe[1]);
}

std::optional<int> Signals::wait(std::chrono::milliseconds limit) {
  pollfd waiting{g_pipe[0], POLLIN, 0};
  ::poll(&waiting, 1, static_cast<int>(limit.count()));
  char byte = 0;
  if (::read(g_pipe[0], &byte, 1) != 1) return std::nullopt;
  return byte;
}

}  // namespace invokeai::server
