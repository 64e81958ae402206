#pragma once
// Requests and responses as the handlers see them. The transport (http_server.h) speaks HTTP; what
// is served stands in routes of other files.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/cancel.h"
#include "base/file.h"
#include "base/result.h"

namespace invokeai::server {

enum class Role { none, user, admin };

/// Who asks. On a server without users everybody on this machine is an admin named "".
struct Caller {
  std::string name;
  Role role = Role::none;
};

/// A file or field of a multipart form.
struct FormPart {
  std::string name;
  std::optional<std::string> filename;  ///< as the client sent it; never a path of ours
  std::string content_type;
  std::string body;
};

struct Request {
  std::string method;              ///< upper case
  std::string path;                ///< decoded, no query, begins with one /
  std::map<std::string, std::string> query;    ///< decoded; the last of several wins
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  std::map<std::string, std::string> parameters;  ///< from the route: {id}
  std::string remote;              ///< address of the peer
  bool secure = false;             ///< came over TLS
  Caller caller;
  CancelToken gone;                ///< set when the client closes the connection before its answer

  std::string header(std::string_view lower_case_name) const;  ///< empty when absent
  std::string query_value(std::string_view name) const;        ///< empty when absent
  std::string parameter(std::string_view name) const;         ///< empty when absent
  std::string cookie(std::string_view name) const;            ///< empty when absent
};

/// One end of a stream of server-sent events. Thread-safe; no call waits. A client that reads too
/// slowly is dropped once its backlog is too large; `closed` tells.
class EventSink {
 public:
  virtual ~EventSink() = default;
  /// One event; `data` may hold line breaks. `id` becomes the client's Last-Event-ID.
  virtual void send(std::string_view event, std::string_view data, std::string_view id = {}) = 0;
  virtual void close() = 0;
  virtual bool closed() const = 0;
};

/// Called once when the stream is open; what it returns is kept until the stream ends.
using OpenStream = std::function<std::shared_ptr<void>(std::shared_ptr<EventSink>)>;

/// A file sent as it lies on disk, with ETag, Last-Modified, Range and conditional requests.
struct FileBody {
  fs::path path;
};

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  ///< besides length and date
  std::variant<std::string, FileBody, OpenStream> body;

  static Response json(const nlohmann::json& value, int status = 200);
  static Response text(std::string text, int status = 200);
  /// {"error": {"code": "not_found", "message": "..."}} with the status of the code.
  static Response error(const Error& error);
  /// The same for what has no ErrorCode: refused(401, "unauthorized", "...").
  static Response refused(int status, std::string_view code, std::string_view message);
  static Response file(fs::path path);
  static Response events(OpenStream open);
  static Response empty(int status = 204);
};

/// HTTP status of an error: 400 invalid_argument, 404 not_found, 422 bad_file, 501 unsupported,
/// 507 disk_full, 503 out_of_memory, 500 otherwise.
int http_status(ErrorCode code);

/// May wait (it runs on a pool thread, not on the network's). Exceptions become a 500.
using Handler = std::function<Response(const Request&)>;

}  // namespace invokeai::server
