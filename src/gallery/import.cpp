#include "gallery/import.h"

#include <algorithm>
#include <system_error>

#include "gallery/internal/scan.h"
#include "gallery/outputs.h"

namespace invokeai::gallery {
namespace {

constexpr int kMaxTries = 1000;

bool same_content(const fs::path& path, const std::string& bytes) {
  std::error_code error;
  if (fs::file_size(path, error) != bytes.size() || error) return false;
  const auto other = read_file(path);
  return other && *other == bytes;
}

/// "a.png", "a-2.png", "a-3.png"...
fs::path numbered(const fs::path& path, int number) {
  if (number == 1) return path;
  return path.parent_path() /
         fmt::format("{}-{}{}", path.stem().string(), number, path.extension().string());
}

Result<> import_one(const fs::path& source, const fs::path& target, ImportReport& report) {
  TRY_ASSIGN(const std::string bytes, read_file(source));
  for (int number = 1; number <= kMaxTries; ++number) {
    const fs::path path = numbered(target, number);
    if (same_content(path, bytes)) {
      ++report.known;
      return {};
    }
    TRY_ASSIGN(const bool written, write_output(path, bytes, Existing::keep));
    if (!written) continue;
    std::error_code error;
    const auto time = fs::last_write_time(source, error);
    if (!error) fs::last_write_time(path, time, error);
    ++report.copied;
    report.renamed += number > 1 ? 1 : 0;
    return {};
  }
  return fail(ErrorCode::io, "gallery.import", "no free name for {}", target.string());
}

/// True when `inner` is `outer` or lies in it.
bool lies_in(const fs::path& inner, const fs::path& outer) {
  return std::ranges::mismatch(inner, outer).in2 == outer.end();
}

}  // namespace

Result<ImportReport> import_outputs(const fs::path& source, const fs::path& root) {
  std::error_code error;
  const fs::path from = fs::canonical(source, error);
  if (error || !fs::is_directory(from, error))
    return fail(ErrorCode::not_found, "gallery.import", "there is no folder {}", source.string());
  const fs::path to = fs::weakly_canonical(root, error);
  if (lies_in(to, from) || lies_in(from, to))
    return fail(ErrorCode::invalid_argument, "gallery.import",
                "{} and {} lie within each other; reindex finds what is there", source.string(),
                root.string());
  std::vector<std::string> paths;
  TRY_VOID(scan_pictures(from, "", [&](const std::string& path) { paths.push_back(path); }));
  std::ranges::sort(paths);
  ImportReport report;
  for (const std::string& path : paths) {
    auto done = import_one(from / path, to / path, report);
    if (!done && done.error().code == ErrorCode::disk_full)
      return tl::make_unexpected(std::move(done).error());
    if (!done) report.problems.push_back(done.error().message);
  }
  return report;
}

}  // namespace invokeai::gallery
