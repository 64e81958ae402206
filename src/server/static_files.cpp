#include "server/static_files.h"

#include <algorithm>
#include <utility>

namespace invokeai::server {
namespace {

/// Every segment is a plain name: not empty, not hidden (so neither . nor ..), no other separators.
bool is_plain(std::string_view path) {
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment.empty() || segment[0] == '.' || segment.find_first_of("\\:") != segment.npos)
      return false;
    path.remove_prefix(std::min(path.size(), segment.size() + 1));
  }
  return true;
}

}  // namespace

Response static_file(const fs::path& folder, std::string_view path) {
  const auto missing = [&] {
    return Response::refused(404, "not_found", fmt::format("there is nothing at {}", path));
  };
  if (!path.starts_with('/') || !is_plain(path.substr(1))) return missing();
  const std::string name = path == "/" ? "index.html" : std::string(path.substr(1));
  // A link may lead out of the folder; what it leads to is not ours to give.
  std::error_code error;
  const fs::path real = fs::canonical(folder / name, error), root = fs::canonical(folder, error);
  if (error || !fs::is_regular_file(real, error)) return missing();
  const auto inside = std::mismatch(root.begin(), root.end(), real.begin(), real.end());
  if (inside.first != root.end()) return missing();
  Response response = Response::file(real);
  if (path.starts_with("/assets/"))
    response.headers.emplace_back("Cache-Control", "public, max-age=31536000, immutable");
  return response;
}

Handler static_files(fs::path folder) {
  return [folder = std::move(folder)](const Request& request) { return static_file(folder, request.path); };
}

}  // namespace invokeai::server
