#pragma once
// Request targets: percent signs, queries, and what of a path is left once both are gone.

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace invokeai::server {

/// Decodes %41. Errors: invalid_argument for a broken escape, a NUL, or bytes that are no UTF-8.
Result<std::string> decode_percent(std::string_view text);

/// Encodes everything but letters, digits and -._~, so that the result is one segment of a path.
std::string encode_percent(std::string_view text);

/// "a=1&b=two+words"; a name without = has an empty value, the last of several equal names wins.
Result<std::map<std::string, std::string>> parse_query(std::string_view query);

struct Target {
  std::string raw_path;  ///< as it came, but with exactly one / in front
  std::string path;      ///< decoded
  std::map<std::string, std::string> query;
};

/// Target of a request line: "/path?query", "//path", or "http://host/path".
Result<Target> parse_target(std::string_view target);

}  // namespace invokeai::server
