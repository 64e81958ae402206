#include "server/internal/legacy_pictures.h"

#include "image/metadata.h"
#include "server/url.h"

namespace invokeai::server {

using Json = nlohmann::json;

namespace {

constexpr std::string_view kPictures = "outputs/", kThumbnails = "thumbnails/", kWebp = ".webp";
constexpr std::size_t kTextsBytes = std::size_t{256} << 10;  // texts stand before the pixels

/// Slashes stay, everything else that is special in a URL is encoded.
std::string encoded_path(const std::string& name) {
  std::string out;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    out += encode_percent(name.substr(at, end - at));
    if (end < name.size()) out += '/';
    at = end + 1;
  }
  return out;
}

}  // namespace

std::string legacy_url(const std::string& name) {
  return std::string(kPictures) + encoded_path(name);
}

std::string legacy_thumbnail_url(const std::string& name) {
  return fmt::format("{}{}{}{}", kPictures, kThumbnails, encoded_path(name), kWebp);
}

std::string name_of_legacy_url(const Studio& studio, std::string url) {
  if (url.starts_with('/'))
    if (std::string name = studio.name_of(url); !name.empty()) return name;
  url.resize(std::min(url.find_first_of("?#"), url.size()));
  if (const auto host = url.find("://"); host != url.npos) {
    const auto path = url.find('/', host + 3);
    if (path == url.npos) return {};
    url.erase(0, path);
  }
  while (url.starts_with('/')) url.erase(0, 1);
  if (!url.starts_with(kPictures)) return {};
  return decode_percent(url.substr(kPictures.size())).value_or(std::string());
}

std::string name_of_legacy_thumbnail(std::string_view path) {
  if (!path.starts_with(kThumbnails) || !path.ends_with(kWebp)) return {};
  path.remove_prefix(kThumbnails.size());
  path.remove_suffix(kWebp.size());
  return std::string(path);
}

Json legacy_metadata(Json metadata) {
  if (!metadata.is_object()) return Json::object();
  const auto image = metadata.find("image");
  if (image == metadata.end() || !image->is_object()) return metadata;
  Json& prompt = (*image)["prompt"];
  if (prompt.is_string())
    prompt = Json::array({{{"prompt", prompt}, {"weight", 1}}});
  else if (!prompt.is_array())
    prompt = Json::array();
  for (Json& part : prompt)
    if (part.is_string()) part = {{"prompt", part}, {"weight", 1}};
  if (!image->contains("postprocessing")) (*image)["postprocessing"] = nullptr;
  if (!image->contains("variations") || !(*image)["variations"].is_array())
    (*image)["variations"] = Json::array();
  return metadata;
}

Result<Json> legacy_image(Studio& studio, const gallery::PictureEntry& picture) {
  TRY_ASSIGN(const fs::path file, studio.picture_file(picture.path));
  TRY_ASSIGN(const auto mapped, MappedFile::open(file));
  const auto bytes = mapped->bytes().first(std::min(kTextsBytes, mapped->bytes().size()));
  Json metadata = Json::object(), dream = "";
  const auto texts = image::read_png_text(
      {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!texts) metadata = dream = nullptr;  // not a PNG, so without texts
  for (const image::TextChunk& text : texts ? *texts : image::TextChunks()) {
    if (text.keyword == image::kDreamKeyword) dream = text.text;
    if (text.keyword == image::kMetadataKeyword)
      metadata = legacy_metadata(Json::parse(text.text, nullptr, /*allow_exceptions=*/false));
  }
  const bool uploaded = picture.kind == gallery::PictureKind::upload;
  return Json{{"url", legacy_url(picture.path)},
              {"thumbnail", legacy_thumbnail_url(picture.path)},
              {"mtime", static_cast<double>(picture.created) / 1e6},
              {"metadata", std::move(metadata)},
              {"dreamPrompt", std::move(dream)},
              {"width", picture.width},
              {"height", picture.height},
              {"category", uploaded ? "user" : "result"}};
}

}  // namespace invokeai::server
