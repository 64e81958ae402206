#include "jobs/internal/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/process.h"
#include "jobs/worker_process.h"

extern "C" char** environ;

namespace invokeai::jobs {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

/// posix_spawn, with default signals and a process group of its own.
int spawn(const std::vector<std::string>& command, int socket, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, socket, kWorkerDescriptor);
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
  // What else is open here, sockets of clients among it, is not the worker's.
  posix_spawn_file_actions_addclosefrom_np(&actions, kWorkerDescriptor + 1);
#endif
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int error = ::posix_spawn(&pid, command.front().c_str(), &actions, &attributes,
                                  arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

Result<Child> Child::start(const std::vector<std::string>& command) {
  INVOKEAI_CHECK(!command.empty());
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(ErrorCode::io, "worker", "cannot make a socket: {}", reason(errno));
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  pid_t pid = -1;
  const int error = spawn(command, ends[1], pid);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    return fail(error == ENOENT ? ErrorCode::not_found : ErrorCode::io, "worker",
                "cannot start {}: {}", command.front(), reason(error));
  }
  Child child(pid, ends[0]);
  child.identity_ = process_identity(pid);
  return child;
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      socket_(std::exchange(other.socket_, -1)),
      identity_(std::move(other.identity_)),
      out_(std::move(other.out_)),
      reader_(std::move(other.reader_)) {}

Child::~Child() { end(); }

bool Child::exchange() {
  while (!out_.empty()) {
    const ssize_t put = ::send(socket_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) break;  // full, or gone: reading will tell
    out_.erase(0, static_cast<std::size_t>(put));
  }
  char piece[64 << 10];
  while (true) {
    const ssize_t got = ::read(socket_, piece, sizeof piece);
    if (got > 0) {
      reader_.feed({piece, static_cast<std::size_t>(got)});
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
      return false;
    } else if (errno == EAGAIN) {
      return true;
    }
  }
}

std::string Child::end() {
  if (pid_ < 0) return {};
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  ::close(std::exchange(socket_, -1));
  if (WIFSIGNALED(status))
    return fmt::format("signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

}  // namespace invokeai::jobs
