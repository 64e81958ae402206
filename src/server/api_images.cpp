#include <charconv>

#include "gallery/import.h"
#include "server/api.h"
#include "server/internal/handlers.h"
#include "server/multipart.h"
#include "server/views.h"

namespace invokeai::server {
namespace {

constexpr std::int64_t kLargestSide = 65'535, kMostSkipped = 1'000'000'000;

/// "1700000000000000.000001.1b2c3d4e.42.png": a place in the order by date.
std::string cursor_text(const gallery::PictureEntry& picture) {
  return fmt::format("{}.{}", picture.created, picture.path);
}

Result<std::optional<gallery::GalleryCursor>> cursor_of(const Request& request, const char* name) {
  const std::string text = request.query_value(name);
  if (text.empty()) return std::optional<gallery::GalleryCursor>();
  gallery::GalleryCursor cursor;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, cursor.created);
  if (read.ec != std::errc() || read.ptr == end || *read.ptr != '.')
    return fail(ErrorCode::invalid_argument, "",
                "{}: a cursor as `newest` and `oldest` of a page give is wanted, got {}", name,
                shown(text));
  cursor.path = std::string(read.ptr + 1, end);
  return std::optional(std::move(cursor));
}

Result<gallery::GalleryFilter> filter_of(const Request& request) {
  gallery::GalleryFilter filter{.model = request.query_value("model"),
                                .sampler = request.query_value("sampler"),
                                .board = request.query_value("board"),
                                .search = request.query_value("search")};
  if (const std::string name = request.query_value("kind"); !name.empty()) {
    filter.kind = gallery::picture_kind_from(name);
    if (!filter.kind)
      return fail(ErrorCode::invalid_argument, "",
                  "kind: result, grid, upload, mask, intermediate or temporary is wanted, got {}",
                  shown(name));
  }
  TRY_ASSIGN(filter.width, query_whole(request, "width", 1, kLargestSide));
  TRY_ASSIGN(filter.height, query_whole(request, "height", 1, kLargestSide));
  TRY_ASSIGN(const auto starred, query_flag(request, "starred"));
  filter.starred = starred.value_or(false);
  return filter;
}

Result<Response> get_images(Studio& studio, const Request& request) {
  gallery::PageRequest page;
  TRY_ASSIGN(page.filter, filter_of(request));
  TRY_ASSIGN(page.older_than, cursor_of(request, "older_than"));
  TRY_ASSIGN(page.newer_than, cursor_of(request, "newer_than"));
  TRY_ASSIGN(const auto skip, query_whole(request, "skip", 0, kMostSkipped));
  TRY_ASSIGN(const auto limit, query_whole(request, "limit", 1, 1000));
  page.skip = static_cast<int>(skip.value_or(0));
  page.limit = static_cast<int>(limit.value_or(50));
  TRY_ASSIGN(const gallery::GalleryPage found, studio.gallery().page(page));
  Json images = Json::array();
  for (const gallery::PictureEntry& picture : found.pictures) images.push_back(view(picture));
  const bool any = !found.pictures.empty();
  return Response::json(
      {{"images", images},
       {"more", found.more},
       {"newest", any ? Json(cursor_text(found.pictures.front())) : Json()},
       {"oldest", any ? Json(cursor_text(found.pictures.back())) : Json()}});
}

Result<Response> count_images(Studio& studio, const Request& request) {
  TRY_ASSIGN(const auto filter, filter_of(request));
  TRY_ASSIGN(const std::int64_t count, studio.gallery().count(filter));
  return Response::json({{"count", count}});
}

Result<Response> get_image(Studio& studio, const Request& request) {
  TRY_ASSIGN(const Json details, details_view(studio, request.parameter("name")));
  return Response::json(details);
}

Result<Response> get_file(Studio& studio, const Request& request) {
  TRY_ASSIGN(const fs::path file, studio.picture_file(request.parameter("name")));
  return Response::file(file);
}

Result<Response> get_thumbnail(Studio& studio, const Request& request) {
  TRY_ASSIGN(const fs::path small, studio.thumbnail(request.parameter("name")));
  return Response::file(small);
}

Result<Response> patch_image(Studio& studio, const Request& request) {
  const std::string name = request.parameter("name");
  TRY_ASSIGN(const Json body, read_object(request, {"starred", "board"}));
  TRY_ASSIGN(const auto starred, flag_in(body, "starred"));
  TRY_ASSIGN(const std::string board, text_in(body, "board", ""));
  if (starred) TRY_VOID(studio.gallery().set_starred(name, *starred));
  if (body.contains("board")) TRY_VOID(studio.gallery().assign(name, board));
  TRY_ASSIGN(const auto picture, studio.gallery().picture(name));
  return Response::json(view(picture));
}

Result<Response> remove_image(Studio& studio, const Request& request) {
  TRY_ASSIGN(const auto entry, studio.gallery().remove(request.parameter("name")));
  return Response::json({{"id", entry.id}, {"name", entry.path}});
}

/// Below the output folder, for pictures of this kind that clients may add.
std::optional<std::string> folder_of(std::string_view kind) {
  if (kind == "upload") return kUploadFolder;
  if (kind == "mask") return kMaskFolder;
  if (kind == "result") return "";
  if (kind == "temporary") return kTemporaryFolder;
  return std::nullopt;
}

Result<Response> post_image(Studio& studio, const Request& request) {
  TRY_ASSIGN(const auto form, parse_form(request));
  const FormPart* file = find_part(form, "file");
  if (file == nullptr)
    return fail(ErrorCode::invalid_argument, "",
                "a multipart form with a part named file is wanted, holding a PNG, JPEG or WebP");
  const FormPart* kind = find_part(form, "kind");
  const std::string wanted = kind != nullptr ? kind->body : "upload";
  const auto folder = folder_of(wanted);
  if (!folder)
    return fail(ErrorCode::invalid_argument, "",
                "kind: upload, mask, result or temporary is wanted, got {}", shown(wanted));
  TRY_ASSIGN(const auto picture,
             studio.add_picture(*folder, file->filename.value_or("picture.png"), file->body));
  return Response::json(view(picture), 201);
}

Result<Response> import(Studio& studio, const Request& request) {
  TRY_ASSIGN(const Json body, read_object(request, {"folder"}));
  TRY_ASSIGN(const std::string folder, text_in(body, "folder"));
  if (folder.empty() || folder.find('\0') != folder.npos || !fs::path(folder).is_absolute())
    return fail(ErrorCode::invalid_argument, "",
                "folder: the whole path of a folder of this machine is wanted, got {}",
                shown(folder));
  TRY_ASSIGN(const auto report, gallery::import_outputs(folder, studio.options().output));
  TRY_VOID(studio.gallery().reindex());
  return Response::json(
      {{"added", report.copied}, {"skipped", report.known}, {"problems", report.problems}});
}

}  // namespace

void add_image_routes(Router& router, Studio& studio) {
  const auto with = [&studio](Result<Response> (*answer)(Studio&, const Request&)) {
    return handling([&studio, answer](const Request& request) { return answer(studio, request); });
  };
  router.get("/api/v1/images", with(get_images));
  router.post("/api/v1/images", with(post_image));
  router.get("/api/v1/images/count", with(count_images));
  router.post("/api/v1/images/import", with(import), Role::admin);
  router.get("/api/v1/images/{name}", with(get_image));
  router.patch("/api/v1/images/{name}", with(patch_image));
  router.remove("/api/v1/images/{name}", with(remove_image));
  router.get("/api/v1/images/{name}/file", with(get_file));
  router.get("/api/v1/images/{name}/thumbnail", with(get_thumbnail));
}

}  // namespace invokeai::server
