#include "gallery/thumbnails.h"

#include <algorithm>
#include <cmath>

#include "gallery/internal/picture_facts.h"
#include "gallery/outputs.h"
#include "image/codec.h"
#include "image/resize.h"
#include "image/webp.h"

namespace invokeai::gallery {
namespace {

/// A name that no other picture, and no other state of this one, has.
std::string cache_name(const fs::path& picture, const FileStamp& stamp, int side) {
  const std::string key =
      fmt::format("{}\n{} {} {}", fs::absolute(picture).lexically_normal().string(), stamp.modified,
                  stamp.size, side);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(key.data());
  return sha256_hex({bytes, key.size()}).substr(0, 32) + ".webp";
}

int scaled(int length, double factor) {
  return std::max(1, static_cast<int>(std::lround(length * factor)));
}

Result<fs::path> place_of(const fs::path& picture, const fs::path& cache, int side) {
  const auto stamp = stamp_of(picture);
  if (!stamp)
    return fail(ErrorCode::not_found, "gallery.thumbnail", "there is no picture {}",
                picture.string());
  const std::string name = cache_name(picture, *stamp, side);
  return cache / name.substr(0, 2) / name;
}

}  // namespace

std::optional<fs::path> find_thumbnail(const fs::path& picture, const fs::path& cache, int side) {
  const auto path = place_of(picture, cache, side);
  std::error_code ignored;
  return path && fs::exists(*path, ignored) ? std::optional(*path) : std::nullopt;
}

Result<fs::path> ensure_thumbnail(const fs::path& picture, const fs::path& cache, int side) {
  if (auto path = find_thumbnail(picture, cache, side)) return *path;
  TRY_ASSIGN(const fs::path path, place_of(picture, cache, side));
  TRY_ASSIGN(image::Image full, image::load_image(picture));
  const double factor = std::min({1.0, double(side) / full.width, double(side) / full.height});
  if (factor < 1.0)
    full = image::resize(full, scaled(full.width, factor), scaled(full.height, factor),
                         image::ResizeFilter::lanczos);
  TRY_ASSIGN(const std::string bytes, image::encode_webp(full));
  TRY_VOID(write_output(path, bytes, Existing::replace));
  return path;
}

}  // namespace invokeai::gallery
