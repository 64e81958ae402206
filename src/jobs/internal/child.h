#pragma once
// A child process and the socket to it, for a thread that must not block.

#include <chrono>
#include <string>
#include <vector>

#include "jobs/internal/frames.h"

namespace invokeai::jobs {

class Child {
 public:
  /// Starts the program with the socket at kWorkerDescriptor, in a process group of its own.
  /// Errors: not_found, io.
  static Result<Child> start(const std::vector<std::string>& command);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();  ///< kills it

  int pid() const { return pid_; }
  int socket() const { return socket_; }
  /// process_identity() of the process.
  const std::string& identity() const { return identity_; }

  void send(const Frame& frame) { out_ += encode_frame(frame); }
  bool has_output() const { return !out_.empty(); }

  /// Reads and writes what is possible now. False when the other end is gone or talks nonsense.
  bool exchange();
  /// The next complete message. Errors: bad_file.
  Result<std::optional<Frame>> next() { return reader_.next(); }

  /// Ends the process by force and tells how it ended: "signal 9 (Killed)", "exit status 1".
  std::string end();

 private:
  Child(int pid, int socket) : pid_(pid), socket_(socket) {}
  int pid_;
  int socket_;
  std::string identity_;
  std::string out_;
  FrameReader reader_;
};

}  // namespace invokeai::jobs
