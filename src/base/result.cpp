#include "base/result.h"

#include <cstdio>
#include <cstdlib>

namespace invokeai {

const char* error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::bad_file: return "bad_file";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::io: return "io";
    case ErrorCode::disk_full: return "disk_full";
    case ErrorCode::out_of_memory: return "out_of_memory";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

int exit_status(ErrorCode code) { return code == ErrorCode::invalid_argument ? 2 : 1; }

std::string Error::text() const {
  return origin.empty() ? message : fmt::format("[{}] {}", origin, message);
}

void check_failed(const char* file, int line, const std::string& what) {
  std::fprintf(stderr, "%s:%d: internal check failed: %s\n", file, line, what.c_str());
  std::abort();
}

}  // namespace invokeai
