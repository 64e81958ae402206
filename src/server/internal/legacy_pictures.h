#pragma once
// Pictures as the original front end names and describes them (web spec 1.1, 1.7, 2.6).

#include <nlohmann/json.hpp>
#include <string>

#include "server/studio.h"

namespace invokeai::server {

/// "outputs/init-images/cat.1a2b3c4d.png": no leading slash, so that it works below any address.
std::string legacy_url(const std::string& name);
/// "outputs/thumbnails/init-images/cat.1a2b3c4d.png.webp": pictures of the same base name keep
/// thumbnails of their own.
std::string legacy_thumbnail_url(const std::string& name);
/// The picture's name from its URL, or from a path on this machine; empty when it is neither.
std::string name_of_legacy_url(const Studio& studio, std::string url);
/// The same for the URL of a thumbnail.
std::string name_of_legacy_thumbnail(std::string_view path);

/// {url, thumbnail, mtime, metadata, dreamPrompt, width, height, category}. Errors: those of
/// Gallery::picture() and reading.
Result<nlohmann::json> legacy_image(Studio& studio, const gallery::PictureEntry& picture);

/// `metadata.image.prompt` becomes an array, whatever it was: the page breaks on anything else.
nlohmann::json legacy_metadata(nlohmann::json metadata);

}  // namespace invokeai::server
