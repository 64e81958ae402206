#include "server/internal/legacy_http.h"

#include <algorithm>
#include <cctype>

#include "image/box.h"
#include "image/codec.h"
#include "server/internal/base64.h"
#include "server/internal/handlers.h"
#include "server/internal/legacy_pictures.h"
#include "server/multipart.h"

namespace invokeai::server {
namespace {

struct Upload {
  std::string kind, filename = {}, bytes = {};
  bool crop = false;
};

std::optional<std::string> folder_of(const std::string& kind) {
  if (kind == "init") return kUploadFolder;
  if (kind == "temp") return kTemporaryFolder;
  if (kind == "mask") return kMaskFolder;
  if (kind == "result") return "";
  return std::nullopt;
}

bool has_known_ending(const std::string& filename) {
  const auto dot = filename.find_last_of('.');
  std::string ending = dot == filename.npos ? "" : filename.substr(dot + 1);
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return ending == "png" || ending == "jpg" || ending == "jpeg";
}

/// The part of the picture with anything in it; all of it when there is nothing.
image::Image cropped(const image::Image& picture) {
  int left = picture.width, top = picture.height, right = 0, bottom = 0;
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x) {
      const std::uint8_t* pixel = picture.at(x, y);
      if (std::all_of(pixel, pixel + picture.channels, [](std::uint8_t c) { return c == 0; }))
        continue;
      left = std::min(left, x);
      right = std::max(right, x + 1);
      top = std::min(top, y);
      bottom = y + 1;
    }
  if (right == 0) return picture;
  image::Image part(right - left, bottom - top, picture.channels);
  for (int y = 0; y < part.height; ++y)
    std::copy_n(picture.at(left, top + y), std::size_t(part.width) * part.channels, part.at(0, y));
  return part;
}

/// Reads the form in the order of checks of 2.3.0; the texts are its own. Errors: invalid_argument
/// for what the client can mend, others for the rest.
Result<Upload> read_upload(const Request& request) {
  TRY_ASSIGN(const auto form, parse_form(request));
  const FormPart* data = find_part(form, "data");
  const FormPart* file = find_part(form, "file");
  const Json json = Json::parse(data != nullptr ? data->body : "", nullptr, false);
  if (!json.is_object())
    return fail(ErrorCode::bad_file, "", "The upload has no readable data part");
  const auto text = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  Upload upload{.kind = text("kind"), .crop = json.value("cropVisible", Json()) == true};
  const std::string data_url = text("dataURL");
  if (file != nullptr) {
    upload.filename = file->filename.value_or("");
    if (upload.filename.empty())
      return fail(ErrorCode::invalid_argument, "", "No file selected");
    upload.bytes = file->body;
  } else if (!data_url.empty()) {
    upload.filename = text("filename");
    if (upload.filename.empty())
      return fail(ErrorCode::invalid_argument, "", "No filename provided");
    auto bytes = bytes_of_data_url(data_url);
    if (!bytes) return fail(ErrorCode::bad_file, "", "The upload's dataURL is no base64");
    upload.bytes = std::move(*bytes);
  } else {
    return fail(ErrorCode::invalid_argument, "", "No file or dataURL");
  }
  if (!folder_of(upload.kind))
    return fail(ErrorCode::invalid_argument, "", "Invalid upload kind: {}", upload.kind);
  if (!has_known_ending(upload.filename))
    return fail(ErrorCode::invalid_argument, "",
                "Invalid file type, must be one of: png, jpg, jpeg");
  return upload;
}

Result<Json> store_upload(Studio& studio, Upload upload) {
  if (upload.crop) {
    TRY_ASSIGN(const auto room, studio.room_for({upload.bytes}));
    TRY_ASSIGN(const image::Image picture, image::decode_image(upload.bytes, upload.filename));
    TRY_ASSIGN(upload.bytes, image::encode_png(cropped(picture)));
  }
  TRY_ASSIGN(const auto entry,
             studio.add_picture(*folder_of(upload.kind), upload.filename, upload.bytes));
  return Json{{"url", legacy_url(entry.path)},
              {"thumbnail", legacy_thumbnail_url(entry.path)},
              {"mtime", static_cast<double>(entry.created) / 1e6},
              {"width", entry.width},
              {"height", entry.height}};
}

Response upload(Studio& studio, const Request& request,
                const std::function<void(const std::string&)>& tell_error) {
  auto read = read_upload(request);
  Result<Json> stored = read ? store_upload(studio, std::move(*read))
                             : Result<Json>(tl::make_unexpected(read.error()));
  if (stored) return Response::json(*stored);
  tell_error(stored.error().message);
  if (!read && read.error().code == ErrorCode::invalid_argument)
    return Response::text(read.error().message, 400);
  return Response::text("Error uploading file", 500);
}

Result<Response> output(Studio& studio, const Request& request) {
  const std::string path = request.parameter("path");
  const std::string of_thumbnail = name_of_legacy_thumbnail(path);
  Response response;
  // A folder of an earlier version has thumbnails of its own, which are files like others.
  if (!of_thumbnail.empty() && studio.picture_file(of_thumbnail)) {
    TRY_ASSIGN(const fs::path small, studio.thumbnail(of_thumbnail));
    response = Response::file(small);
  } else if (const auto picture = studio.picture_file(path)) {
    response = Response::file(*picture);
  } else {
    // Whatever is wrong with a name, there is no such picture (web spec 1.2).
    return fail(ErrorCode::not_found, "", "there is no picture {}", shown(path));
  }
  response.headers.emplace_back("Cache-Control", "no-cache");
  return response;
}

}  // namespace

void add_legacy_routes(Router& router, Studio& studio,
                       std::function<void(const std::string&)> tell_error) {
  router.post("/upload", [&studio, tell_error = std::move(tell_error)](const Request& request) {
    return upload(studio, request, tell_error);
  });
  router.get("/outputs/{path...}",
             handling([&studio](const Request& request) { return output(studio, request); }));
  // The page asks with two slashes in front, which are one by the time the router sees them.
  router.get("/flaskwebgui-keep-server-alive",
             [](const Request&) { return Response::json({{"message", "Server Running"}}); });
}

}  // namespace invokeai::server
