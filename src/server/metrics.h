#pragma once
// Numbers for /metrics (Prometheus).

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace invokeai::server {

/// Thread-safe.
class Metrics {
 public:
  void request(int status, std::chrono::microseconds duration);
  void picture(double seconds);
  void step();
  void job_ended(const std::string& state);
  void worker_started();

  /// The text of all counters, each with its help.
  std::string text() const;

 private:
  mutable std::mutex mutex_;  ///< guards the rest
  std::map<int, std::uint64_t> requests_;
  double request_seconds_ = 0;
  std::uint64_t pictures_ = 0, steps_ = 0, workers_ = 0;
  double drawing_seconds_ = 0;
  std::map<std::string, std::uint64_t> jobs_;
};

}  // namespace invokeai::server
