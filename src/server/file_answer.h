#pragma once
// How a file on disk answers a request: whole, in part, or "you have it already" (RFC 9110).

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"

namespace invokeai::server {

struct FileFacts {
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;  ///< nanoseconds since 1970
};

/// The request's headers of these names; empty when absent.
struct FileConditions {
  std::string if_none_match, if_modified_since, range, if_range;
};

struct FileAnswer {
  int status = 200;  ///< 200, 206, 304 or 416
  std::uint64_t begin = 0, length = 0;
  std::string content_range;  ///< for 206 and 416
};

std::string etag_of(const FileFacts& facts);

/// One range is served as 206; several, or what is no range, as the whole file.
FileAnswer plan_file(const FileFacts& facts, const FileConditions& conditions);

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(std::time_t seconds);
std::optional<std::time_t> parse_http_date(std::string_view text);

/// From the name's extension, independent of what the system believes; application/octet-stream
/// when unknown.
std::string content_type_of(const fs::path& path);

}  // namespace invokeai::server
