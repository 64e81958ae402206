// JPEG from strangers, as it is and as edits to a good file.

#include "edited.h"
#include "image/jpeg.h"
#include "pictures.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace invokeai::image;
  static const std::string good = encode_jpeg(fuzz_picture(3)).value();
  check_decoded(decode_jpeg({reinterpret_cast<const char*>(data), size}, kFuzzLimits));
  check_decoded(decode_jpeg(edited(good, {data, size}), kFuzzLimits));
  return 0;
}
