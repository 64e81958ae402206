// PNG and unknown pictures from strangers, as they are and as edits to a good file whose checksums
// are put right, so that what lies behind them is reached.

#include <zlib.h>

#include "edited.h"
#include "image/codec.h"
#include "image/png.h"
#include "pictures.h"

namespace {

std::uint32_t big_endian(const std::string& file, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(file[at + i]);
  return value;
}

/// Chunks are length, kind, data and the CRC of the middle two.
void mend_checksums(std::string& file) {
  for (std::size_t at = 8; at + 12 <= file.size();) {
    const std::size_t length = big_endian(file, at);
    if (length > file.size() - at - 12) return;
    const auto* checked = reinterpret_cast<const Bytef*>(file.data() + at + 4);
    const auto crc = static_cast<std::uint32_t>(crc32_z(0, checked, length + 4));
    for (std::size_t i = 0; i < 4; ++i)
      file[at + 8 + length + i] = static_cast<char>(crc >> (24 - 8 * i));
    at += 12 + length;
  }
}

void check_png(std::string_view bytes) {
  using namespace invokeai::image;
  check_decoded(decode_image(bytes, "input", kFuzzLimits));
  (void)read_png_text(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace invokeai::image;
  static const std::string good =
      encode_png(fuzz_picture(4),
                 {{"Dream", "a cat -s 20"}, {"sd-metadata", "{\"x\": \"\u00e9\"}"}}, 6)
          .value();
  check_png({reinterpret_cast<const char*>(data), size});
  std::string mended = edited(good, {data, size});
  mend_checksums(mended);
  check_png(mended);
  return 0;
}
