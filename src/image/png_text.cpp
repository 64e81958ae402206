// Reading the text chunks of a PNG without libpng, so that a damaged picture still tells its story.

#include <zlib.h>

#include <optional>

#include "image/internal/png_chunks.h"
#include "image/internal/utf8.h"
#include "image/png.h"

namespace invokeai::image {
namespace {

constexpr std::size_t kMaxInflated = std::size_t{16} << 20;

std::string utf8_from_latin1(std::string_view latin1) {
  std::string text;
  for (const char c : latin1) append_utf8(text, static_cast<std::uint8_t>(c));
  return text;
}

std::string valid_utf8(std::string_view bytes) {
  std::string text;
  for_each_code_point(bytes, [&](char32_t point) { append_utf8(text, point); });
  return text;
}

/// What stands before the next NUL, which is skipped; nothing when there is none.
std::optional<std::string_view> take_until_nul(std::string_view& rest) {
  const auto nul = rest.find('\0');
  if (nul == std::string_view::npos) return std::nullopt;
  const auto field = rest.substr(0, nul);
  rest.remove_prefix(nul + 1);
  return field;
}

/// Inflates a whole zlib stream; nothing when it is damaged or larger than `limit` bytes.
std::optional<std::string> inflate_text(std::string_view deflated, std::size_t limit) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(deflated.data()));
  stream.avail_in = static_cast<uInt>(deflated.size());
  std::string text;
  char block[8192];
  int status = Z_OK;
  while (status == Z_OK && text.size() <= limit) {
    stream.next_out = reinterpret_cast<Bytef*>(block);
    stream.avail_out = sizeof(block);
    status = inflate(&stream, Z_NO_FLUSH);
    text.append(block, sizeof(block) - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || text.size() > limit) return std::nullopt;
  return text;
}

/// Decodes text chunks one after the other; nothing for chunks that are damaged or not text.
class TextReader {
 public:
  std::optional<TextChunk> read(std::string_view type, std::string_view data) {
    if (type != "tEXt" && type != "zTXt" && type != "iTXt") return std::nullopt;
    const auto keyword = take_until_nul(data);
    if (!keyword || keyword->empty()) return std::nullopt;
    auto text = type == "tEXt"   ? utf8_from_latin1(data)
                : type == "zTXt" ? read_compressed(data)
                                 : read_international(data);
    if (!text) return std::nullopt;
    return TextChunk{utf8_from_latin1(*keyword), std::move(*text)};
  }

 private:
  std::optional<std::string> expand(std::string_view deflated) {
    auto text = inflate_text(deflated, budget_);
    if (text) budget_ -= text->size();
    return text;
  }

  std::optional<std::string> read_compressed(std::string_view data) {
    if (data.empty() || data[0] != 0) return std::nullopt;  // 0 = deflate, the only method
    const auto latin1 = expand(data.substr(1));
    if (!latin1) return std::nullopt;
    return utf8_from_latin1(*latin1);
  }

  std::optional<std::string> read_international(std::string_view data) {
    if (data.size() < 2) return std::nullopt;
    const bool compressed = data[0] != 0;
    if (compressed && data[1] != 0) return std::nullopt;
    data.remove_prefix(2);
    if (!take_until_nul(data) || !take_until_nul(data))
      return std::nullopt;  // language, translation
    if (!compressed) return valid_utf8(data);
    const auto text = expand(data);
    if (!text) return std::nullopt;
    return valid_utf8(*text);
  }

  std::size_t budget_ = kMaxInflated;
};

}  // namespace

Result<TextChunks> read_png_text(std::string_view bytes) {
  if (!bytes.starts_with(kPngSignature)) return fail(ErrorCode::bad_file, "png.text", "not a PNG");
  bytes.remove_prefix(kPngSignature.size());
  TextChunks chunks;
  TextReader reader;
  while (const auto chunk = take_chunk(bytes)) {
    auto text = reader.read(chunk->type, chunk->data);
    if (text && chunk->intact) chunks.push_back(std::move(*text));
    if (chunk->type == "IEND") break;
  }
  return chunks;
}

}  // namespace invokeai::image
