#include "cli/fetch.h"

#include <fnmatch.h>

#include <algorithm>

#include "base/settings.h"
#include "image/read_metadata.h"
#include "text/wildcards.h"

namespace invokeai::cli {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{512} << 20;

bool is_picture(const fs::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg" || ending == ".webp";
}

/// True when the session would read something else than this very text.
bool reads_differently(const std::string& text, const fs::path& wildcards) {
  const auto dynamic = text::DynamicPrompt::parse(text, text::wildcard_folder(wildcards));
  return !dynamic || dynamic->count() != 1 || dynamic->choose(0) != text;
}

Result<std::vector<image::FoundMetadata>> found_in(const fs::path& picture) {
  TRY_ASSIGN(const std::string bytes, read_file(picture, kMaxBytes));
  auto found = image::read_metadata(bytes);
  if (!found)
    return fail(found.error().code, "", "{}: {}", picture.string(), found.error().message);
  return found;
}

}  // namespace

Result<image::ImageMetadata> stored_picture(const fs::path& picture) {
  TRY_ASSIGN(auto found, found_in(picture));
  return std::move(found.front().picture);
}

Result<Fetched> fetch_commands(const fs::path& picture, const fs::path& wildcards) {
  TRY_ASSIGN(const auto found, found_in(picture));
  Fetched fetched;
  for (const image::FoundMetadata& each : found) {
    std::string command = image::recall_command(each);
    if (reads_differently(each.picture.prompt, wildcards) ||
        reads_differently(each.picture.negative_prompt, wildcards))
      command += " --no-dynamic_prompts";
    fetched.commands.push_back(std::move(command));
    for (const std::string& lost : each.lost)
      if (std::find(fetched.lost.begin(), fetched.lost.end(), lost) == fetched.lost.end())
        fetched.lost.push_back(lost);
  }
  return fetched;
}

Result<std::vector<fs::path>> matching_pictures(const fs::path& pattern) {
  const fs::path folder = pattern.has_parent_path() ? pattern.parent_path() : fs::path(".");
  const std::string names = pattern.filename().string();
  std::vector<fs::path> pictures;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    const std::string name = at->path().filename().string();
    if (is_picture(name) && at->is_regular_file(ignored) &&
        ::fnmatch(names.c_str(), name.c_str(), FNM_PERIOD) == 0)
      pictures.push_back(at->path());
  }
  if (error)
    return fail(ErrorCode::io, "", "cannot read the folder {}: {}", shown(folder.string()),
                error.message());
  std::sort(pictures.begin(), pictures.end());
  return pictures;
}

}  // namespace invokeai::cli
