// Any bytes as a picture file and as each of the texts that tell how a picture was made: an answer,
// values in range, and a command of one line.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/png.h"
#include "image/read_metadata.h"
#include "image/write_metadata.h"

namespace {

using namespace invokeai;

void check(std::string_view file) {
  const auto found = image::read_metadata(file);
  if (!found) return;
  INVOKEAI_CHECK(!found->empty());
  for (const image::FoundMetadata& each : *found) {
    INVOKEAI_CHECK(each.picture.steps >= 1 && each.picture.steps <= 999);
    INVOKEAI_CHECK(each.picture.width >= 64 && each.picture.width <= 8192);
    INVOKEAI_CHECK(each.picture.height >= 64 && each.picture.height <= 8192);
    const std::string line = image::recall_command(each);
    INVOKEAI_CHECK(line.find_first_of(std::string_view("\0\n\r\x1b", 4)) == line.npos);
    for (const auto form :
         {image::MetadataForm::dream, image::MetadataForm::invokeai, image::MetadataForm::a1111})
      INVOKEAI_CHECK(!image::as_texts({&each.picture, 1}, {}, form).texts.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check(text);
  for (const char* keyword : {"Dream", "sd-metadata", "invokeai_metadata", "parameters", "prompt"})
    if (const auto png = image::encode_png(image::Image(1, 1, 1), {{keyword, text}}, 0))
      check(*png);
  return 0;
}
