#include "gallery/internal/picture_facts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>

#include "image/metadata.h"
#include "image/picture_size.h"
#include "image/png.h"

namespace invokeai::gallery {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kHead = 64 << 10, kEnds = 16 << 10;

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

std::string read_part(int fd, std::int64_t from, std::int64_t length) {
  std::string bytes(static_cast<std::size_t>(length), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::pread(fd, bytes.data() + done, bytes.size() - done,
                                from + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

std::string fingerprint(std::string_view head, std::string_view tail, std::int64_t size) {
  const std::string all = fmt::format("{}\n{}{}", size, head.substr(0, kEnds), tail);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(all.data());
  return sha256_hex({bytes, all.size()}).substr(0, 32);
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::int64_t> number_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<std::int64_t>();
}

/// One text, or the list of weighted parts that 2.3.0 writes.
std::string prompt_of(const Json& image) {
  const auto found = image.find("prompt");
  if (found == image.end() || !found->is_array()) return text_of(image, "prompt");
  std::string all;
  for (const Json& part : *found) {
    const std::string text = part.is_object() ? text_of(part, "prompt") : std::string();
    if (!all.empty() && !text.empty()) all += ' ';
    all += text;
  }
  return all;
}

/// `sd-metadata` of InvokeAI 2, leniently: what is missing or odd stays empty.
void take_metadata(PictureFacts& facts, std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return;
  facts.model = text_of(json, "model_id");
  if (facts.model.empty()) facts.model = text_of(json, "model_weights");
  const auto images = json.find("images");
  facts.grid = images != json.end() && images->is_array() && !images->empty();
  const Json image = facts.grid ? images->front() : json.value("image", Json::object());
  if (!image.is_object()) return;
  facts.prompt = prompt_of(image);
  facts.sampler = text_of(image, "sampler");
  facts.seed = number_of(image, "seed");
  facts.steps = number_of(image, "steps");
}

}  // namespace

std::optional<FileStamp> stamp_of(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
#ifdef __APPLE__
  const timespec& time = info.st_mtimespec;
#else
  const timespec& time = info.st_mtim;
#endif
  return FileStamp{std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec, info.st_size,
                   static_cast<std::int64_t>(info.st_ino)};
}

Result<PictureFacts> read_facts(const fs::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  struct stat info {};
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0)
    return fail(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, "gallery.index",
                "cannot read {}: {}", path.string(), std::generic_category().message(errno));
  const std::int64_t size = info.st_size;
  const std::string head = read_part(file.fd, 0, std::min(size, kHead));
  const std::string tail =
      read_part(file.fd, std::max<std::int64_t>(0, size - kEnds), std::min(size, kEnds));
  const auto pixels = image::read_picture_size(head);
  if (!pixels)
    return fail(pixels.error().code, "gallery.index", "{}: {}", path.string(),
                pixels.error().message);
  PictureFacts facts;
  facts.fingerprint = fingerprint(head, tail, size);
  facts.width = pixels->width;
  facts.height = pixels->height;
  if (const auto texts = image::read_png_text(head))
    for (const auto& [keyword, text] : *texts)
      if (keyword == image::kMetadataKeyword) take_metadata(facts, text);
  return facts;
}

}  // namespace invokeai::gallery
