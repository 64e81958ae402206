#include "image/internal/png_chunks.h"

#include <zlib.h>

#include <algorithm>

#include "image/internal/utf8.h"

namespace invokeai::image {
namespace {

constexpr std::size_t kMaxKeyword = 79;
constexpr std::size_t kChunkFrame = 12;  // length, type and checksum around the data
constexpr std::size_t kMaxChunk = 0x7FFFFFFF;

std::uint32_t checksum(std::string_view type_and_data) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(type_and_data.data()), type_and_data.size()));
}

void append_big_endian(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

}  // namespace

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

std::optional<PngChunk> take_chunk(std::string_view& rest) {
  if (rest.size() < kChunkFrame) return std::nullopt;
  const std::size_t length = big_endian(rest);
  if (length > rest.size() - kChunkFrame) return std::nullopt;
  const PngChunk chunk{rest.substr(4, 4), rest.substr(8, length),
                       rest.substr(0, kChunkFrame + length),
                       checksum(rest.substr(4, 4 + length)) == big_endian(rest.substr(8 + length))};
  rest.remove_prefix(chunk.whole.size());
  return chunk;
}

LatinOrUtf8 encode_text(std::string_view text) {
  LatinOrUtf8 latin{{}, true}, utf8{{}, false};
  for_each_code_point(text, [&](char32_t point) {
    if (point == 0) point = kReplacement;
    latin.latin1 = latin.latin1 && point < 0x100;
    latin.bytes += static_cast<char>(point);
    append_utf8(utf8.bytes, point);
  });
  return latin.latin1 ? latin : utf8;
}

Result<std::string> encode_keyword(const std::string& keyword) {
  LatinOrUtf8 encoded = encode_text(keyword);
  const auto& key = encoded.bytes;
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 32 && byte <= 126) || byte >= 161;
  });
  if (!encoded.latin1 || !printable || key.empty() || key.size() > kMaxKeyword ||
      key.front() == ' ' || key.back() == ' ' || key.find("  ") != std::string::npos)
    return fail(ErrorCode::invalid_argument, "png.write",
                "text keyword \"{}\" is not 1 to 79 printable Latin-1 characters", keyword);
  return std::move(encoded.bytes);
}

Result<std::string> encode_text_chunk(const TextChunk& chunk) {
  TRY_ASSIGN(const std::string keyword, encode_keyword(chunk.keyword));
  const LatinOrUtf8 text = encode_text(chunk.text);
  std::string content = text.latin1 ? "tEXt" : "iTXt";
  content += keyword;
  // iTXt: not compressed, no language, no translated keyword.
  content += text.latin1 ? std::string(1, '\0') : std::string(5, '\0');
  content += text.bytes;
  if (content.size() > kMaxChunk)
    return fail(ErrorCode::invalid_argument, "png.write", "the text {} is longer than 2 GiB",
                chunk.keyword);
  std::string whole;
  append_big_endian(whole, static_cast<std::uint32_t>(content.size() - 4));
  whole += content;
  append_big_endian(whole, checksum(content));
  return whole;
}

}  // namespace invokeai::image
