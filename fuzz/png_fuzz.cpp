// Pictures from strangers: whatever the bytes, decoding ends with a picture or an error.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "image/codec.h"
#include "image/png.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)invokeai::image::decode_image(bytes, "input", {.max_pixels = 1'000'000});
  (void)invokeai::image::read_png_text(bytes);
  return 0;
}
