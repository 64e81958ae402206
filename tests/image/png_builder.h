#pragma once
// Builds PNG files byte by byte, right and wrong ones alike, without the library under test.

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace invokeai::image::testing {

inline const std::string kPngSignature = "\x89PNG\r\n\x1a\n";

inline std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

inline std::string chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const auto sum =
      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<std::uint32_t>(data.size())) + body +
         big_endian(static_cast<std::uint32_t>(sum));
}

inline std::string deflated(const std::string& data) {
  uLongf size = compressBound(data.size());
  std::string result(size, '\0');
  compress(reinterpret_cast<Bytef*>(result.data()), &size,
           reinterpret_cast<const Bytef*>(data.data()), data.size());
  result.resize(size);
  return result;
}

/// color: 0 grey, 2 RGB, 3 palette, 4 grey+alpha, 6 RGBA.
inline std::string header(std::uint32_t width, std::uint32_t height, int depth, int color,
                          bool interlaced = false) {
  std::string data = big_endian(width) + big_endian(height);
  for (const int value : {depth, color, 0, 0, interlaced ? 1 : 0}) data += static_cast<char>(value);
  return chunk("IHDR", data);
}

/// `rows`: filter byte and packed samples of each row; `extra`: chunks before the pixels.
inline std::string png(const std::string& header, const std::string& rows,
                       const std::string& extra = "") {
  return kPngSignature + header + extra + chunk("IDAT", deflated(rows)) + chunk("IEND", "");
}

/// Bytes with NULs in them, from a literal.
template <std::size_t size>
std::string raw(const char (&literal)[size]) {
  return std::string(literal, size - 1);
}

}  // namespace invokeai::image::testing
