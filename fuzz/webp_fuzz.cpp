// WebP from strangers, as it is and as edits to a good file.

#include "edited.h"
#include "image/webp.h"
#include "pictures.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace invokeai::image;
  static const std::string opaque = encode_webp(fuzz_picture(3)).value();
  static const std::string with_alpha = encode_webp(fuzz_picture(4)).value();
  check_decoded(decode_webp({reinterpret_cast<const char*>(data), size}, kFuzzLimits));
  for (const std::string& good : {opaque, with_alpha})
    check_decoded(decode_webp(edited(good, {data, size}), kFuzzLimits));
  return 0;
}
