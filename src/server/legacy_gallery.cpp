#include "server/internal/legacy_gallery.h"

#include <algorithm>
#include <cmath>

#include "gallery/names.h"
#include "base/seeds.h"
#include "gallery/outputs.h"
#include "image/metadata.h"
#include "server/internal/handlers.h"
#include "server/internal/legacy_pictures.h"

namespace invokeai::server {
namespace {

constexpr int kPage = 50, kMostNew = 1000;

Result<> check_category(const std::string& category) {
  if (category == "result" || category == "user") return {};
  return fail(ErrorCode::invalid_argument, "", "The category is result or user, not {}",
              shown(category));
}

std::string text_at(const Json& arguments, std::size_t index) {
  return index < arguments.size() && arguments[index].is_string() ? arguments[index] : "";
}

/// Microseconds of a time in seconds.
std::int64_t moment(const Json& seconds) { return std::llround(seconds.get<double>() * 1e6); }

}  // namespace

/// Results and grids were one list in 2.3.0.
Result<std::vector<gallery::PictureEntry>> LegacyGallery::pictures(const std::string& category,
                                                                   gallery::PageRequest request,
                                                                   bool& more) {
  using gallery::PictureKind;
  std::vector<gallery::PictureEntry> all;
  more = false;
  const auto add = [&](PictureKind kind) -> Result<> {
    request.filter.kind = kind;
    TRY_ASSIGN(auto page, studio_.gallery().page(request));
    more = more || page.more;
    std::ranges::move(page.pictures, std::back_inserter(all));
    return {};
  };
  if (category == "user") {
    TRY_VOID(add(PictureKind::upload));
    return all;
  }
  TRY_VOID(add(PictureKind::result));
  TRY_VOID(add(PictureKind::grid));
  std::ranges::sort(all, [](const auto& a, const auto& b) {
    return std::tie(a.created, a.path) > std::tie(b.created, b.path);
  });
  if (std::cmp_greater(all.size(), request.limit)) {
    more = true;
    all.resize(static_cast<std::size_t>(request.limit));
  }
  return all;
}

Json LegacyGallery::images(const std::vector<gallery::PictureEntry>& pictures,
                           const std::string& category, std::vector<std::string>& problems) {
  Json list = Json::array();
  for (const gallery::PictureEntry& picture : pictures) {
    auto image = legacy_image(studio_, picture);
    if (image)
      list.push_back(std::move(*image));
    else
      problems.push_back(fmt::format("Unable to load {}: {}", picture.path, image.error().message));
  }
  return {{"images", list}, {"category", category}};
}

Result<Json> LegacyGallery::page(const std::string& client, const std::string& category,
                                 const Json& earliest, std::vector<std::string>& problems) {
  TRY_VOID(check_category(category));
  gallery::PageRequest request{.limit = kPage};
  const std::string key = client + " " + category;
  if (earliest.is_number() && earliest != 0) {
    request.older_than = gallery::GalleryCursor{moment(earliest)};
    const std::lock_guard lock(mutex_);
    const auto known = cursors_.find(key);
    if (known != cursors_.end() && known->second.created == request.older_than->created)
      request.older_than = known->second;
  }
  bool more = false;
  TRY_ASSIGN(const auto found, pictures(category, request, more));
  if (!found.empty()) {
    const std::lock_guard lock(mutex_);
    cursors_[key] = {found.back().created, found.back().path};
  }
  Json told = images(found, category, problems);
  told["areMoreImagesAvailable"] = more;
  return told;
}

Result<Json> LegacyGallery::newer(const std::string& category, const Json& latest,
                                  std::vector<std::string>& problems) {
  TRY_VOID(check_category(category));
  gallery::PageRequest request{.limit = kMostNew};
  // Without a time everything is new; ~ comes after all names of the same moment.
  if (latest.is_number()) request.newer_than = gallery::GalleryCursor{moment(latest), "~"};
  bool more = false;
  TRY_ASSIGN(auto found, pictures(category, request, more));
  return images(found, category, problems);
}

Result<Json> LegacyGallery::remove(const Json& arguments) {
  const std::string url = text_at(arguments, 0);
  const std::string name = name_of_legacy_url(studio_, url);
  if (name.empty())
    return fail(ErrorCode::invalid_argument, "", "{} is no picture of this server", shown(url));
  TRY_VOID(studio_.gallery().update({name}));  // previews may be too new for the index
  TRY_VOID(studio_.gallery().remove(name));
  return Json{{"url", url}, {"uuid", text_at(arguments, 2)}, {"category", text_at(arguments, 3)}};
}

Result<Json> LegacyGallery::keep_staged(const std::string& url) {
  TRY_ASSIGN(const fs::path staged, studio_.picture_file(name_of_legacy_url(studio_, url)));
  TRY_ASSIGN(const std::string bytes, read_file(staged));
  const fs::path& output = studio_.options().output;
  TRY_ASSIGN(std::int64_t prefix, gallery::next_prefix(output));
  // 000003.ac603f7d.3916934333.png: the number is a new one, so that both keep their thumbnails.
  std::string rest = staged.filename().string();
  rest.erase(0, std::min(rest.find('.'), rest.size()));
  while (true) {
    const std::string name = gallery::format_prefix(prefix) + rest;
    TRY_ASSIGN(const bool written,
               gallery::write_output(output / name, bytes, gallery::Existing::keep));
    if (!written) {
      ++prefix;
      continue;
    }
    TRY_VOID(studio_.gallery().update({name}));
    TRY_ASSIGN(const auto entry, studio_.gallery().picture(name));
    TRY_ASSIGN(Json image, legacy_image(studio_, entry));
    return Json{{"images", Json::array({std::move(image)})}, {"category", "result"}};
  }
}

std::vector<std::string> LegacyGallery::empty_temporary() {
  std::vector<std::string> problems;
  std::error_code error;
  const fs::path folder = studio_.options().output / kTemporaryFolder;
  std::vector<fs::path> files;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->is_regular_file(error)) files.push_back(at->path());
  for (const fs::path& file : files)
    if (!fs::remove(file, error) && error)
      problems.push_back(fmt::format("Unable to delete {}: {}", file.string(), error.message()));
  if (const auto updated = studio_.gallery().update({kTemporaryFolder}); !updated)
    problems.push_back(updated.error().message);
  return problems;
}

void LegacyGallery::forget(const std::string& client) {
  const std::lock_guard lock(mutex_);
  cursors_.erase(client + " result");
  cursors_.erase(client + " user");
}

}  // namespace invokeai::server
