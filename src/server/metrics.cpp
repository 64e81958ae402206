#include "server/metrics.h"

#include <fmt/format.h>

#include <iterator>

namespace invokeai::server {

void Metrics::request(int status, std::chrono::microseconds duration) {
  const std::lock_guard lock(mutex_);
  ++requests_[status];
  request_seconds_ += std::chrono::duration<double>(duration).count();
}

void Metrics::picture(double seconds) {
  const std::lock_guard lock(mutex_);
  ++pictures_;
  drawing_seconds_ += seconds;
}

void Metrics::step() {
  const std::lock_guard lock(mutex_);
  ++steps_;
}

void Metrics::job_ended(const std::string& state) {
  const std::lock_guard lock(mutex_);
  ++jobs_[state];
}

void Metrics::worker_started() {
  const std::lock_guard lock(mutex_);
  ++workers_;
}

std::string Metrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  const auto head = [&](const char* name, const char* help) {
    fmt::format_to(std::back_inserter(out), "# HELP invokeai_{} {}\n# TYPE invokeai_{} counter\n",
                   name, help, name);
  };
  const auto counter = [&](const char* name, const char* help, auto value) {
    head(name, help);
    fmt::format_to(std::back_inserter(out), "invokeai_{} {}\n", name, value);
  };
  head("http_requests_total", "Answered requests.");
  for (const auto& [status, count] : requests_)
    fmt::format_to(std::back_inserter(out), "invokeai_http_requests_total{{status=\"{}\"}} {}\n",
                   status, count);
  counter("http_request_seconds_total", "Time spent on answering.", request_seconds_);
  head("jobs_total", "Ended jobs.");
  for (const auto& [state, count] : jobs_)
    fmt::format_to(std::back_inserter(out), "invokeai_jobs_total{{state=\"{}\"}} {}\n", state,
                   count);
  counter("pictures_total", "Stored pictures.", pictures_);
  counter("steps_total", "Evaluations of the network.", steps_);
  counter("drawing_seconds_total", "Time spent on drawing the stored pictures.", drawing_seconds_);
  counter("worker_starts_total", "Worker processes that were started.", workers_);
  return out;
}

}  // namespace invokeai::server
